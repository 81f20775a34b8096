// News for those who look elsewhere: the window's title, notifications, and screen readers.

import { isUnderway } from "./images.js";

const TOGETHER = 400;
const MOST = 3;

export class News {
  constructor(status, button) {
    this.status = status;
    this.button = button;
    this.title = document.title;
    this.lines = [];
    this.endedHidden = 0;
    this.isWanted = false;
    button.hidden = !("Notification" in window) || Notification.permission === "denied";
    button.onclick = () => this.toggle();
    document.addEventListener("visibilitychange", () => document.hidden || this.seen());
  }

  // Browsers ask the user once, and only after a click.
  async toggle() {
    const permission = Notification.permission === "granted" ? "granted" : await Notification.requestPermission();
    this.isWanted = permission === "granted" && !this.isWanted;
    this.button.setAttribute("aria-pressed", this.isWanted);
    if (permission === "denied") this.say("This browser does not allow notifications here");
  }

  seen() {
    this.endedHidden = 0;
    this.entitle({ total: 0 });
  }

  // Say a line to screen readers; several at once are read as one message.
  say(line) {
    this.lines.push(line);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const more = this.lines.length - MOST;
      const lines = more > 0 ? [...this.lines.slice(0, MOST), `and ${more} more`] : this.lines;
      this.status.textContent = lines.join("; ");
      this.lines = [];
    }, TOGETHER);
  }

  ended(result, queue) {
    if (document.hidden) this.endedHidden += 1;
    if (queue.results.some(isUnderway) || !this.isWanted || !document.hidden) return;
    const count = this.endedHidden;
    new Notification(count === 1 ? `${result.name} is finished` : `${count} images are finished`, { icon: "/page/icon.svg", tag: "scalewise" });
  }

  // Show progress in the window's title; what ended unseen stays there until it is seen.
  entitle({ total, ended, part }) {
    const progress = total ? `${Math.floor(100 * part)} %, ${ended} of ${total} · ` : this.endedHidden ? "Finished · " : "";
    document.title = progress + this.title;
  }
}
