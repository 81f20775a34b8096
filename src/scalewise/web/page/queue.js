// Upload queue of the page: images are sent one at a time, watched until they end, and restored
// after a reload.  How they are displayed is in rows.js.

import * as api from "./api.js";

const STORED = "scalewise-jobs";
const OVER = ["done", "failed", "cancelled", "lost", "refused"];
const LOOK_AGAIN = 2000;

export class Queue {
  constructor(changed) {
    this.jobs = [];
    this.changed = changed;
    this.sending = false;
    this.stopWatching = null;
    this.watched = null;
  }

  add(file, options) {
    const job = { key: crypto.randomUUID?.() ?? String(Math.random()), name: file.name || "pasted image.png", file, options, state: "queued", view: null, sent: 0, problem: "" };
    this.jobs.unshift(job);
    this.change(job);
    this.sendNext();
    return job;
  }

  refuse(file, problem) {
    this.jobs.unshift({ key: String(Math.random()), name: file.name, file: null, options: {}, state: "refused", view: null, problem });
    this.change(this.jobs[0]);
  }

  again(job, options) {
    this.remove(job);
    return this.add(job.file, options);
  }

  async remove(job) {
    this.jobs = this.jobs.filter((other) => other !== job);
    job.abort?.abort();
    this.change(null);
    if (this.watched === job) this.unwatch();
    if (job.view) await api.cancel(job.view.id).catch(() => {});
    this.watchNext();
  }

  async restore() {
    const stored = JSON.parse(sessionStorage.getItem(STORED) ?? "[]");
    this.jobs = stored.map(({ id, name, options }) => ({ key: id, name, options, file: null, state: "waiting", view: { id, ahead: 0 }, problem: "" }));
    await this.look();
  }

  get done() {
    return this.jobs.filter((job) => job.state === "done");
  }

  change(job) {
    const kept = this.jobs.filter((each) => each.view);
    sessionStorage.setItem(STORED, JSON.stringify(kept.map((each) => ({ id: each.view.id, name: each.name, options: each.options }))));
    this.changed(job);
  }

  // Send the oldest first, one at a time: parallel uploads would slow each other down.
  async sendNext() {
    const job = this.jobs.findLast((each) => each.state === "queued");
    if (!job || this.sending) return;
    this.sending = true;
    try {
      await this.sendOne(job);
    } finally {
      this.sending = false;
    }
    this.watchNext();
    this.sendNext();
  }

  async sendOne(job) {
    job.abort = new AbortController();
    job.state = "sending";
    this.change(job);
    const told = (part) => {
      job.sent = part;
      this.change(job);
    };
    while (this.jobs.includes(job)) {
      try {
        const view = await api.send(job.file, job.options, told, job.abort.signal);
        return this.jobs.includes(job) ? this.take(job, view) : await api.cancel(view.id);
      } catch (problem) {
        if (problem.status !== 503 || !problem.retry) return this.fail(job, problem);
        await this.pause(job, problem.retry);
      }
    }
  }

  fail(job, problem) {
    if (!this.jobs.includes(job)) return;
    job.state = "refused";
    job.problem = problem.message;
    this.change(job);
  }

  async pause(job, seconds) {
    for (job.retry = seconds; job.retry > 0 && this.jobs.includes(job); job.retry--) {
      job.state = "busy";
      this.change(job);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }

  take(job, view) {
    job.view = { ...job.view, ...view };
    job.state = view.state;
    job.problem = view.problem ?? "";
    this.change(job);
  }

  // The server works in order, so it is enough to watch the job whose turn it is.
  watchNext() {
    if (this.watched) return;
    const job = this.jobs.findLast((each) => each.view && !OVER.includes(each.state));
    if (!job) return;
    this.watched = job;
    this.stopWatching = api.watch(
      job.view.id,
      (view) => {
        this.take(job, view);
        if (OVER.includes(view.state)) this.moveOn();
      },
      () => this.lose(job),
    );
  }

  unwatch() {
    this.stopWatching?.();
    this.watched = null;
  }

  async moveOn() {
    this.unwatch();
    await this.look();
  }

  lose(job) {
    this.unwatch();
    if (!this.jobs.includes(job)) return this.watchNext();
    job.state = "unreachable";
    this.change(job);
    setTimeout(() => this.look(), LOOK_AGAIN);
  }

  // Ask for all jobs that have not ended; again later if the server does not answer.
  async look() {
    const open = this.jobs.filter((job) => job.view && !["failed", "cancelled", "lost"].includes(job.state) && !(job.state === "done" && job.file));
    try {
      const views = await api.jobs(open.map((job) => job.view.id));
      views.forEach((view, index) => this.jobs.includes(open[index]) && this.take(open[index], view));
      this.watchNext();
    } catch {
      setTimeout(() => this.look(), LOOK_AGAIN);
    }
    this.changed(null);
  }
}
