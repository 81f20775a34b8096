// Queue of the page: images, their results, and what becomes of them.  It follows the server's jobs, keeps
// everything over a reload, and sends it again when the server was restarted.  How it is displayed is in
// rows.js.

import * as api from "./api.js";
import { EventStream } from "./events.js";
import { byBatch, canRetry, imageFrom, isLeaving, isOnTheWay, isUnderway, isUseful, makeImage, makeResult, recordOf, resultsOf } from "./images.js";
import { Removal } from "./removing.js";
import { Sender } from "./sending.js";
import { Store } from "./store.js";

const GONE = "the server no longer has this image; choose it again";
const MOST_RESENT = 3;

// Dispatches "change" whenever something is to be drawn; as their detail, "ended" has a result, and
// "refused" an image.
export class Queue extends EventTarget {
  constructor() {
    super();
    this.images = [];
    this.others = []; // images of which this browser knows only what the server has
    this.views = new Map(); // the newest view of each job
    this.deleted = new Set(); // ids of jobs that were deleted here; the server may still tell of them
    this.isOnline = true;
    this.store = new Store();
    this.isOpen = this.store.open();
    this.sender = new Sender(this);
    this.removal = new Removal(this);
    this.events = new EventStream({
      jobs: (views, since) => this.meet(views, since),
      job: (view) => this.hear(view),
      gone: (id) => this.miss(id),
      broken: () => this.disconnect(),
    });
  }

  // ---- what users do

  // List files, as dropping.js returns them, and send them.
  add(found) {
    const batch = Date.now();
    const images = found.map((each, place) => makeImage({ ...each, batch, place }));
    this.images.unshift(...images);
    for (const image of images) {
      if (!image.file) this.refuse(image, image.problem);
      this.keepFile(image);
    }
    this.changed();
    this.sender.pump();
    return images;
  }

  // Restore images with options, each as one more result.  Those not yet sent follow by themselves.
  start(images, options) {
    const planned = images.filter((image) => image.state !== "refused").map((image) => this.plan(image, options));
    this.changed();
    this.sender.pump();
    return planned;
  }

  retry(result) {
    this.adopt(result.image);
    Object.assign(result, { state: "queued", view: null, problem: "", resent: 0, run: this.run });
    this.needUpload(result.image);
    this.keep(result.image);
    this.changed();
    this.sender.pump();
  }

  retryAll() {
    this.retriable.forEach((result) => this.retry(result));
  }

  cancelAll() {
    for (const image of this.images) {
      const stops = isOnTheWay(image);
      if (stops) image.state = "stopped";
      if (stops) image.abort?.abort();
      image.results.filter(isUnderway).forEach((result) => this.removal.removeResult(result));
      if (stops) this.keep(image);
    }
    this.changed();
  }

  // ---- what there is, without what is being removed

  get staying() {
    return this.images.filter((image) => !image.leaving);
  }

  get isLeaving() {
    return [...this.images, ...this.others].some(isLeaving);
  }

  get results() {
    return this.staying.flatMap(resultsOf);
  }

  get done() {
    return this.results.filter((result) => result.state === "done");
  }

  get underway() {
    return this.results.filter(isUnderway);
  }

  // The stretch of work that goes on, or a new one.
  get run() {
    return this.underway[0]?.run ?? Date.now();
  }

  get startable() {
    return this.staying.filter((image) => !image.results.length && !["refused", "lost"].includes(image.state));
  }

  get retriable() {
    return this.results.filter(canRetry);
  }

  // True while something would have to be sent again if the page were closed.
  get isUnsent() {
    return this.images.some(isOnTheWay) || this.underway.some((result) => !result.view);
  }

  // ---- what is kept over a reload

  async restore() {
    await this.isOpen;
    this.images.push(...(await this.store.load()).map(imageFrom));
    this.images.sort(byBatch);
    this.images.filter((image) => !isUseful(image)).forEach((image) => this.unkeep(image));
    this.changed();
    this.events.open();
    document.addEventListener("visibilitychange", () => this.rest());
  }

  // A browser opens six connections to a server at most, in all its tabs together.
  rest() {
    if (document.hidden && !this.underway.length) this.events.close();
    else this.events.open();
  }

  async keepFile(image) {
    if (!image.file) return;
    this.keep(image);
    await this.isOpen;
    await this.store.saveFile(image.key, image.file);
  }

  async keep(image) {
    await this.isOpen;
    if (image.isRemoved || image.state === "refused" || !this.images.includes(image)) return;
    this.store.save(recordOf(image));
    const hasAll = image.results.length && image.results.every(({ state }) => ["done", "expired"].includes(state));
    if (hasAll) this.store.dropFile(image.key);
  }

  async unkeep(image) {
    await this.isOpen;
    this.store.delete(image.key);
  }

  // ---- what it takes to restore an image

  plan(image, options) {
    this.adopt(image);
    if (image.results.length) this.keepFile(image); // it may have been dropped after the last result
    const result = makeResult(image, { options, run: this.run });
    image.results.push(result);
    this.needUpload(image);
    this.keep(image);
    return result;
  }

  adopt(image) {
    if (!this.others.includes(image)) return;
    this.others = this.others.filter((other) => other !== image);
    image.batch = Date.now();
    this.images.unshift(image);
  }

  needUpload(image) {
    if (image.upload || isOnTheWay(image)) return;
    if (image.file) {
      image.state = "queued";
      return;
    }
    image.state = "lost";
    image.problem = GONE;
    for (const result of image.results.filter(isUnderway)) this.end(result, "lost", GONE);
    if (!isUseful(image)) this.unkeep(image);
  }

  // The server no longer has the upload.
  sendAgain(result) {
    const { image } = result;
    if (++result.resent > MOST_RESENT) return this.end(result, "failed", "the server lost this image several times");
    Object.assign(result, { state: "queued", view: null });
    this.needUpload(image);
    this.keep(image);
    this.changed();
    this.sender.sendAll();
  }

  // The server was restarted before it had finished this.
  replace(result) {
    this.removal.delete(result);
    this.sendAgain(result);
  }

  refuse(image, problem) {
    Object.assign(image, { state: "refused", problem, file: null, results: [] });
    this.unkeep(image);
    this.tell("refused", image);
    this.changed();
  }

  // ---- what the server says

  // The server has accepted a result as a job; the event stream may have been faster.
  accept(result, view) {
    result.taken = Date.now();
    this.others = this.others.filter((image) => image.results.every((each) => each.view?.id !== view.id));
    this.take(result, this.views.get(view.id) ?? view);
  }

  hear(view) {
    if (this.deleted.has(view.id)) return;
    this.views.set(view.id, view);
    const result = this.find(view.id);
    if (result) this.take(result, view);
    else this.meetOthers();
  }

  find(id) {
    return [...this.images, ...this.others].flatMap((image) => image.results).find((result) => result.view?.id === id);
  }

  take(result, view) {
    const hasChanged = result.state !== view.state || result.view?.id !== view.id;
    const hasEnded = isUnderway(result);
    Object.assign(result, { view, state: view.state, problem: view.problem ?? "", heard: Date.now() });
    if (hasChanged) this.keep(result.image);
    if (hasEnded && !isUnderway(result)) this.tell("ended", result);
    this.changed();
  }

  end(result, state, problem) {
    Object.assign(result, { state, problem });
    this.keep(result.image);
    this.tell("ended", result);
    this.changed();
  }

  // A job was deleted: by another tab, or because it is old.
  miss(id) {
    this.views.delete(id);
    const result = this.find(id);
    if (!result) return;
    if (this.others.includes(result.image)) this.forget(result);
    else if (result.state === "done") this.expire(result);
    else if (isUnderway(result)) this.end(result, "cancelled", "");
    else result.view = null;
  }

  expire(result) {
    result.state = "expired";
    if (isUseful(result.image)) this.keep(result.image);
    else this.unkeep(result.image); // said once, not after each reload
    this.changed();
  }

  forget(result) {
    result.image.results = result.image.results.filter((other) => other !== result);
    this.others = this.others.filter((image) => image.results.length);
    this.changed();
  }

  disconnect() {
    this.isOnline = false;
    for (const result of this.underway) if (result.view) result.state = "unreachable";
    this.changed();
  }

  // Compare with all jobs of the server, at each connection; what it no longer has is sent again.
  async meet(views, since) {
    this.views = new Map(views.filter(({ id }) => !this.deleted.has(id)).map((view) => [view.id, view]));
    const known = this.images.filter((image) => image.upload);
    let uploads;
    try {
      uploads = new Map((await api.uploads()).map((upload) => [upload.id, upload]));
    } catch {
      return this.events.fail();
    }
    this.isOnline = true;
    for (const image of known) {
      image.upload = uploads.get(image.upload?.id) ?? null;
      if (!image.upload && image.state === "ready") image.state = image.file ? "stopped" : "lost";
    }
    const results = this.images.flatMap((image) => image.results);
    for (const result of results.filter((each) => each.view)) {
      const view = this.views.get(result.view.id);
      if (view?.state === "lost" && isUnderway(result)) this.replace(result);
      else if (view) this.take(result, view);
      else if (result.taken > since) continue; // the list may be older
      else if (result.state === "done") this.expire(result);
      else if (isUnderway(result) && result.image.upload) this.end(result, "cancelled", ""); // by another tab
      else if (isUnderway(result)) this.sendAgain(result);
    }
    for (const image of this.images.filter((each) => each.results.some(isUnderway))) this.needUpload(image);
    for (const image of known.filter((each) => !each.results.length)) this.needUpload(image);
    this.others = this.others.filter(isLeaving);
    this.meetOthers();
    this.sender.reach();
  }

  // List the results of other tabs, browsers and programs by upload, the newest first.
  meetOthers() {
    const own = new Set([...this.images, ...this.others].flatMap((image) => image.results).map((each) => each.view?.id));
    const starting = new Set(this.results.filter((each) => each.state === "starting").map((each) => each.image.upload?.id));
    const views = [...this.views.values()].sort((a, b) => (a.created ?? 0) - (b.created ?? 0));
    for (const view of views.filter((each) => !own.has(each.id) && !(each.upload && starting.has(each.upload)))) {
      const key = view.upload ?? view.id;
      let image = [...this.images, ...this.others].find((each) => each.key === key || each.upload?.id === key);
      if (!image) {
        const upload = view.upload ? { id: view.upload, width: view.width, height: view.height } : null;
        image = makeImage({ key, name: view.name, path: view.folder ? `${view.folder}/${view.name}` : "", upload, state: "ready" });
        this.others.unshift(image);
      }
      image.results.push(makeResult(image, { key: view.id, options: view.options ?? {}, state: view.state, view, problem: view.problem ?? "", heard: Date.now() }));
    }
    this.changed();
  }

  // ---- helpers

  set(item, state) {
    item.state = state;
    this.changed();
  }

  changed() {
    this.tell("change", null);
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
