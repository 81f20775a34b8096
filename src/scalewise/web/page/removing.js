// Removal of images and results that can be undone for a while: only then is the server asked to
// delete them.  A page that is closed before deletes nothing.

import * as api from "./api.js";
import { isOnTheWay, isUnderway } from "./images.js";

const UNDO_SECONDS = 10;

// Whether there is anything that would be lost.
const isWorthKeeping = ({ state, file, upload, results }) =>
  state !== "refused" && Boolean(file || upload || results.some((result) => result.state === "done"));

export class Removal {
  constructor(queue) {
    this.queue = queue;
  }

  // Remove an image with all its results.  What is under way is cancelled at once.
  removeImage(image) {
    const { queue } = this;
    if (isOnTheWay(image)) image.state = "stopped";
    image.abort?.abort();
    image.results.filter(isUnderway).forEach((result) => this.finishResult(result));
    image.results.forEach((result) => this.undo(result)); // it leaves with its image
    if (isWorthKeeping(image)) this.leave(image, () => this.finishImage(image));
    else this.finishImage(image);
    queue.keep(image);
    queue.changed();
  }

  // Remove one result, or cancel it.
  removeResult(result) {
    if (result.state === "done") this.leave(result, () => this.finishResult(result));
    else this.finishResult(result);
    this.queue.changed();
  }

  // Put back what was removed.
  undo(item) {
    clearTimeout(item.leaving?.timer);
    item.leaving = null;
    this.queue.changed();
  }

  leave(item, finish) {
    clearTimeout(item.leaving?.timer);
    const timer = setTimeout(() => {
      finish();
      this.queue.changed();
      this.queue.tell("left", item);
    }, 1000 * UNDO_SECONDS);
    item.leaving = { timer, until: Date.now() + 1000 * UNDO_SECONDS };
  }

  finishImage(image) {
    const { queue } = this;
    image.isRemoved = true;
    queue.images = queue.images.filter((other) => other !== image);
    queue.others = queue.others.filter((other) => other !== image);
    image.results.forEach((result) => this.delete(result));
    if (image.upload) api.forget(image.upload.id).catch(() => {});
    queue.unkeep(image);
  }

  finishResult(result) {
    const { queue } = this;
    const { image } = result;
    image.results = image.results.filter((other) => other !== result);
    this.delete(result);
    queue.others = queue.others.filter((other) => other.results.length);
    queue.keep(image);
  }

  delete(result) {
    if (!result.view) return;
    this.queue.views.delete(result.view.id);
    this.queue.deleted.add(result.view.id);
    api.cancel(result.view.id).catch(() => {});
  }
}

// How long a removal can still be undone.
export const secondsToUndo = ({ leaving }) => Math.max(1, Math.ceil((leaving.until - Date.now()) / 1000));
