// The list's section of the page: rows, what is done with all of them, progress, and news.

import { zipOf } from "./api.js";
import { holdField } from "./attention.js";
import { News } from "./notify.js";
import { overall } from "./overall.js";
import { Rows } from "./rows.js";
import { imageState, resultState } from "./states.js";

const DRAW_EVERY = 50;
const TICK = 1000;
const MOST_ZIPPED = 500;
const find = (id) => document.getElementById(id);

// `acts` has `open(image)`, for a click on its name; `compare(result)`, `hide(result)` before a result goes,
// `start(image)`, `startAll()`, and `tryOut(image)`, which opens the panel.
export class ImageList {
  constructor(queue, acts) {
    this.queue = queue;
    this.acts = acts;
    this.shown = null; // the result in the viewer
    this.chosen = null; // the image whose settings are shown
    this.news = new News(find("news"), find("notify"));
    const does = {
      open: acts.open,
      compare: acts.compare,
      again: acts.start,
      start: acts.start,
      tryOut: acts.tryOut,
      retry: (result) => queue.retry(result),
      cancel: (result) => this.cancel(result),
      remove: (image) => this.remove(image),
      undo: (item) => this.undo(item),
    };
    this.rows = new Rows(find("jobs"), does);
    this.otherRows = new Rows(find("other-jobs"), does);
    find("start-all").onclick = () => acts.startAll();
    find("retry-all").onclick = () => queue.retryAll();
    find("cancel-all").onclick = () => queue.cancelAll();
    queue.addEventListener("change", () => this.drawSoon());
    queue.addEventListener("ended", ({ detail }) => this.end(detail));
    queue.addEventListener("left", ({ detail: item }) => {
      if (this.nodeOf(item)?.contains(document.activeElement)) this.keepFocus(item, () => {});
    });
    queue.addEventListener("refused", ({ detail }) => this.news.say(`${detail.name}: ${imageState(detail)}`));
    addEventListener("beforeunload", (event) => queue.isUnsent && event.preventDefault());
  }

  // Changes come in numbers; timers also work in hidden tabs, whose titles show the progress.
  drawSoon() {
    this.timer ??= setTimeout(() => this.draw(), DRAW_EVERY);
  }

  draw() {
    clearTimeout(this.timer);
    this.timer = null;
    holdField(() => this.drawAll(this.queue));
    this.tick ??= setInterval(() => this.countDown(), TICK);
  }

  drawAll({ images, others }) {
    this.rows.draw(images, this.shown, this.chosen);
    this.otherRows.draw(others, this.shown, this.chosen);
    this.drawOthers(others);
    this.drawBar();
  }

  // The server tells of progress tile by tile; between two of them the time still goes down, as does
  // the time in which a removal can be undone.
  countDown() {
    if (this.queue.isLeaving || this.queue.results.some((result) => result.state === "running")) return this.draw();
    clearInterval(this.tick);
    this.tick = null;
  }

  drawBar() {
    const { done, underway, retriable, startable, images, results } = this.queue;
    const all = overall(results);
    find("overall-text").textContent = all.text;
    find("overall").value = all.part;
    find("overall-progress").hidden = all.total < 2;
    const waiting = startable.filter((image) => image !== this.chosen).length;
    find("held").hidden = !waiting;
    find("held").textContent =
      (waiting === 1 ? "1 image waits" : `${waiting} images wait`) + (this.chosen ? " while a part is tried" : " to be started");
    label("start-all", "Start all", startable.length);
    label("retry-all", "Retry all", retriable.length);
    find("start-all").hidden = !startable.length;
    find("retry-all").hidden = !retriable.length;
    find("cancel-all").hidden = underway.length + images.filter((image) => image.state === "sending").length < 2;
    const zipped = done.filter((result) => result.view.state).slice(0, MOST_ZIPPED);
    find("zip").hidden = zipped.length < 2;
    find("zip").href = zipOf(zipped.map((result) => result.view.id));
    find("batch").hidden = !images.length;
    this.news.entitle(all);
  }

  drawOthers(others) {
    const section = find("others");
    if (section.hidden && others.length) section.open = !this.queue.images.length;
    section.hidden = !others.length;
    find("others-count").textContent = `Other results on this server (${others.length})`;
  }

  end(result) {
    const text = result.state === "done" ? `${result.name} is done` : `${result.name}: ${resultState(result)}`;
    this.news.say(text);
    this.news.ended(result, this.queue);
  }

  cancel(result) {
    this.acts.hide(result);
    this.keepFocus(result, () => this.queue.removal.removeResult(result));
  }

  remove(image) {
    image.results.forEach((result) => this.acts.hide(result));
    this.keepFocus(image, () => this.queue.removal.removeImage(image));
    if (image.leaving) this.news.say(`${image.name} is removed; this can be undone`);
  }

  undo(item) {
    this.keepFocus(item, () => this.queue.removal.undo(item));
  }

  // What had the focus is gone: give it to the button that undoes this, to this row, or to the next one.
  keepFocus(item, act) {
    const node = this.nodeOf(item);
    const next = node.nextElementSibling ?? node.previousElementSibling;
    act();
    this.draw();
    const row = node.isConnected ? node : next;
    const wanted = row?.querySelector(".undo:not([hidden])") ?? row?.querySelector(".name:enabled");
    (wanted ?? find("files")).focus();
  }

  focus(image) {
    this.nodeOf(image)?.querySelector(".name").focus();
  }

  nodeOf(item) {
    const { key } = item.image ?? item;
    return (this.rows.rows.get(key) ?? this.otherRows.rows.get(key))?.node;
  }
}

function label(id, text, count) {
  find(id).textContent = count > 1 ? `${text} (${count})` : text;
}
