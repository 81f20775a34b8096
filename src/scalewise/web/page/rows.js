// List of the images, one row per job.

import { resultOf } from "./api.js";
import { told } from "./format.js";

const UNDERWAY = ["queued", "sending", "busy", "waiting", "running", "unreachable"];

export class Rows {
  constructor(list, template, acts) {
    this.list = list;
    this.template = template;
    this.acts = acts;
    this.rows = new Map();
  }

  // Show these jobs; rows are kept, so that the focus does not move.
  draw(jobs, shown) {
    for (const [key, row] of this.rows) {
      if (jobs.some((job) => job.key === key)) continue;
      row.remove();
      this.rows.delete(key);
    }
    jobs.forEach((job, index) => {
      const row = this.rows.get(job.key) ?? this.make(job);
      if (this.list.children[index] !== row) this.list.insertBefore(row, this.list.children[index] ?? null);
      this.fill(row, job, job === shown);
    });
  }

  make(job) {
    const row = this.template.content.firstElementChild.cloneNode(true);
    row.querySelector(".name").onclick = () => this.acts.compare(job);
    const remove = row.querySelector(".remove");
    remove.setAttribute("aria-label", `Remove: ${job.name}`);
    remove.onclick = () => this.acts.remove(job);
    this.rows.set(job.key, row);
    return row;
  }

  fill(row, job, isShown) {
    const name = row.querySelector(".name");
    name.textContent = job.name;
    name.disabled = job.state !== "done";
    row.classList.toggle("shown", isShown);
    row.classList.toggle("failed", ["failed", "lost", "refused"].includes(job.state));
    row.querySelector(".state").textContent = told(job);
    const bar = row.querySelector("progress");
    row.querySelector(".remove").hidden = UNDERWAY.includes(job.state);
    bar.hidden = !UNDERWAY.includes(job.state);
    bar.setAttribute("aria-label", `Progress of ${job.name}`);
    bar.value = job.state === "running" ? job.view.done : 0;
    if (row.dataset.state === job.state) return;
    row.dataset.state = job.state;
    row.querySelector(".doings").replaceChildren(...this.doings(job));
  }

  doings(job) {
    if (UNDERWAY.includes(job.state)) return [button("Cancel", () => this.acts.remove(job), job)];
    const again = job.file ? [button("Again", () => this.acts.again(job), job)] : [];
    if (job.state === "done") return [download(job), button("Compare", () => this.acts.compare(job), job), ...again];
    return again;
  }
}

function button(text, act, job) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.setAttribute("aria-label", `${text}: ${job.name}`);
  made.onclick = act;
  return made;
}

function download(job) {
  const link = document.createElement("a");
  link.className = "button primary";
  link.textContent = "Download";
  link.setAttribute("aria-label", `Download: ${job.view.result_name}`);
  link.href = resultOf(job.view.id);
  link.download = job.view.result_name;
  return link;
}
