// Uploads and starts of jobs: one request of each kind at a time, the oldest first, because parallel
// uploads would slow each other down.  What failed for want of an answer is repeated.

import * as api from "./api.js";
import { UNREADABLE, isReadable } from "./dropping.js";
import { folderOf, inOrder } from "./images.js";

const TRIES = 3;
const SECOND = 1000;

export class Sender {
  constructor(queue) {
    this.queue = queue;
    this.isSending = this.isStarting = false;
  }

  pump() {
    this.sendAll();
    this.startAll();
  }

  async sendAll() {
    if (this.isSending) return;
    this.isSending = true;
    const next = () => inOrder(this.queue.images).find((image) => image.state === "queued" && image.file);
    for (let image; (image = next()); ) await this.send(image);
    this.isSending = false;
  }

  async startAll() {
    if (this.isStarting) return;
    this.isStarting = true;
    const ready = () => inOrder(this.queue.images).filter((image) => image.upload);
    const next = () => ready().flatMap((image) => image.results).find((result) => result.state === "queued");
    for (let result; (result = next()); ) await this.start(result);
    this.isStarting = false;
  }

  async send(image) {
    image.abort = new AbortController();
    image.sent = 0;
    this.queue.set(image, "sending");
    const sent = (part) => {
      image.sent = part;
      this.queue.changed();
    };
    try {
      const upload = await api.upload(image.file, image.name, sent, image.abort.signal);
      if (image.isRemoved || image.state !== "sending") return api.forget(upload.id).catch(() => {});
      Object.assign(image, { upload, state: "ready", tries: 0, problem: "" });
      this.queue.keep(image);
      this.queue.changed();
      this.startAll();
    } catch (problem) {
      if (image.isRemoved || image.state !== "sending") return;
      if (problem.status === 503) await this.pause(image, problem.retry);
      else if (problem.status) this.queue.refuse(image, problem.message);
      else await this.hold(image);
    }
  }

  async start(result) {
    const { image } = result;
    this.queue.set(result, "starting");
    const isGone = () => image.isRemoved || !image.results.includes(result);
    try {
      const view = await api.start(image.upload.id, result.options, folderOf(image));
      if (isGone()) return api.cancel(view.id).catch(() => {});
      this.queue.accept(result, view);
    } catch (problem) {
      if (isGone()) return;
      if (problem.status === 503) await this.pause(result, problem.retry);
      else if (problem.status === 404) this.sendAgain(result);
      else if (problem.status) this.queue.end(result, "failed", problem.message);
      else this.await(result);
    }
  }

  // The upload has expired, or the server was restarted.
  sendAgain(result) {
    result.image.upload = null;
    this.queue.sendAgain(result);
  }

  // The server takes no more for now.
  async pause(item, seconds) {
    const isGone = () => item.isRemoved || item.state === "stopped" || (item.image && !item.image.results.includes(item));
    for (item.retry = seconds ?? 5; item.retry > 0 && !isGone(); item.retry--) {
      this.queue.set(item, "busy");
      await new Promise((resolve) => setTimeout(resolve, SECOND));
    }
    if (item.state === "busy") item.state = "queued";
  }

  // An upload got no answer: because of the file, or of the server, or one connection broke.
  async hold(image) {
    if (!(await isReadable(image.file))) return this.queue.refuse(image, UNREADABLE);
    if (image.isRemoved || image.state !== "sending") return;
    if (this.queue.isOnline && ++image.tries >= TRIES) {
      return this.queue.refuse(image, "the connection broke several times while this file was sent; try again");
    }
    this.await(image);
  }

  // Repeat it once the server answers.
  await(item) {
    this.queue.set(item, "unreachable");
    setTimeout(() => this.queue.isOnline && this.reach(), 2 * SECOND);
  }

  reach() {
    for (const item of [...this.queue.images, ...this.queue.results]) {
      if (item.state === "unreachable" && !item.view) item.state = "queued";
    }
    this.queue.changed();
    this.pump();
  }
}
