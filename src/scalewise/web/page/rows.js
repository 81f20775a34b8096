// List of the images: one row per image, and its results below its name.

import { overviewOf, resultOf, uploadOverviewOf } from "./api.js";
import { dragResult } from "./dragging.js";
import { bytes, network, size } from "./format.js";
import { canRetry, folderOf, isOnTheWay, isUnderway, resultsOf, stateOf } from "./images.js";
import { secondsToUndo } from "./removing.js";
import { imageState, notes, resultState, summary } from "./states.js";

const THUMBNAIL = 96;
const MOST_LOCAL_BYTES = 40e6;
const DISPLAYED = /^image\/(jpeg|png|webp|gif|avif|bmp)$/;
const FAILED = ["failed", "lost", "refused"];

export class Rows {
  constructor(list, acts) {
    this.list = list;
    this.acts = acts;
    this.rows = new Map();
  }

  // Show these images; `shown` is the result in the viewer, `chosen` the image whose settings are shown.
  // Rows are kept, so that the focus does not move.
  draw(images, shown, chosen) {
    const keys = new Set(images.map((image) => image.key));
    for (const [key, row] of this.rows) if (!keys.has(key)) this.discard(key, row);
    images.forEach((image, index) => {
      const row = this.rows.get(image.key) ?? this.make(image);
      if (this.list.children[index] !== row.node) this.list.insertBefore(row.node, this.list.children[index] ?? null);
      row.fill(image, shown, chosen);
    });
  }

  make(image) {
    const row = new ImageRow(this.acts);
    this.rows.set(image.key, row);
    return row;
  }

  discard(key, row) {
    row.node.remove();
    row.thumbnail.clear();
    this.rows.delete(key);
  }
}

class ImageRow {
  constructor(acts) {
    this.acts = acts;
    this.node = copy("row");
    this.results = new Map();
    const find = (name) => this.node.querySelector(`.${name}`);
    [this.name, this.about, this.remove, this.undo, this.state, this.doings, this.list] =
      ["name", "about", "remove", "undo", "state", "doings", "results"].map(find);
    this.bar = this.node.querySelector("progress");
    this.thumbnail = new Thumbnail(this.node.querySelector("img"));
    this.name.onclick = () => acts.open(this.image);
    this.remove.onclick = () => acts.remove(this.image);
    this.undo.onclick = () => acts.undo(this.image);
  }

  fill(image, shown, chosen) {
    this.image = image;
    const { results } = image;
    const isLeaving = Boolean(image.leaving);
    const isDone = results.some((result) => result.state === "done");
    this.node.dataset.state = isLeaving ? "removed" : stateOf(image);
    this.node.classList.toggle("shown", chosen ? image === chosen : results.includes(shown));
    this.node.classList.toggle("failed", FAILED.includes(image.state) && !results.length);
    write(this.name, image.name);
    this.name.disabled = image.state === "refused" || isLeaving;
    write(this.about, isLeaving ? removed(image, isDone) : about(image));
    this.remove.setAttribute("aria-label", `Remove: ${image.name}`);
    this.remove.title = isDone ? "Remove it, and delete its results on the server" : "Remove it";
    this.undo.setAttribute("aria-label", `Undo: remove ${image.name}`);
    this.remove.hidden = isLeaving;
    this.undo.hidden = !isLeaving;
    this.thumbnail.show(image);
    this.state.hidden = this.doings.hidden = results.length > 0 || isLeaving;
    this.state.classList.toggle("state", !results.length);
    write(this.state, results.length ? "" : imageState(image));
    progress(this.bar, image.state === "sending" && !isLeaving && !results.length, image.sent, image.name);
    this.fillDoings(image);
    this.fillResults(image, shown);
  }

  fillDoings(image) {
    const startable = !image.results.length && !["refused", "lost"].includes(image.state);
    if (!changed(this.doings, startable)) return;
    const act = (text, does) => button(text, image.name, () => does(this.image));
    this.doings.replaceChildren(...(startable ? [act("Start", this.acts.start), act("Try a part", this.acts.tryOut)] : []));
  }

  fillResults(image, shown) {
    const { results } = image;
    this.list.hidden = !results.length || Boolean(image.leaving);
    const staying = resultsOf(image);
    this.list.setAttribute("aria-label", `Results of ${image.name}`);
    for (const [key, row] of this.results) {
      if (results.some((result) => result.key === key)) continue;
      row.node.remove();
      this.results.delete(key);
    }
    results.forEach((result, index) => {
      let row = this.results.get(result.key);
      if (!row) this.results.set(result.key, (row = new ResultRow(this.acts)));
      if (this.list.children[index] !== row.node) this.list.insertBefore(row.node, this.list.children[index] ?? null);
      row.fill(result, result === shown, staying.length > 1, result === staying.at(-1));
    });
  }
}

class ResultRow {
  constructor(acts) {
    this.acts = acts;
    this.node = copy("result-row");
    const find = (name) => this.node.querySelector(`.${name}`);
    [this.what, this.state, this.note, this.details, this.doings, this.undo] =
      ["what", "state", "note", "details", "doings", "undo"].map(find);
    this.bar = this.node.querySelector("progress");
    this.node.ondragstart = (event) => dragResult(event, this.result.view);
    this.undo.onclick = () => acts.undo(this.result);
  }

  fill(result, isShown, isOneOfSeveral, isNewest) {
    this.result = result;
    const { state, view } = result;
    const isLeaving = Boolean(result.leaving);
    const isDone = state === "done" && Boolean(view.state) && !isLeaving;
    this.node.dataset.state = isLeaving ? "removed" : state;
    this.node.draggable = isDone;
    this.node.title = isDone ? "Drag this out to save it" : "";
    this.node.classList.toggle("shown", isShown);
    this.node.classList.toggle("failed", FAILED.includes(state));
    write(this.what, summary(result));
    this.what.hidden = !isOneOfSeveral; // the viewer and the details say it
    write(this.state, isLeaving ? removed(result, true) : resultState(result));
    this.undo.setAttribute("aria-label", `Undo: delete a result of ${result.name}`);
    this.undo.hidden = !isLeaving;
    this.doings.hidden = isLeaving;
    const isSending = state === "queued" && isOnTheWay(result.image);
    const isMoving = isSending ? result.image.state === "sending" : state === "running";
    progress(this.bar, isMoving, isSending ? result.image.sent : (view?.done ?? 0), result.name);
    this.note.hidden = !isDone || !view.warnings.length;
    write(this.note, this.note.hidden ? "" : notes(view));
    this.note.title = this.note.textContent;
    this.details.hidden = !isDone;
    if (isDone) write(this.details.lastElementChild, details(view));
    const again = isNewest && !isUnderway(result) && Boolean(result.image.file || result.image.upload);
    if (changed(this.doings, [state, isDone, again, isOneOfSeveral, canRetry(result)].join())) {
      this.doings.replaceChildren(...this.buttons(isDone, again, isOneOfSeveral));
    }
  }

  buttons(isDone, again, isOneOfSeveral) {
    const { result, acts } = this;
    const act = (text, does, title = "") => button(text, result.name, () => does(this.result), title);
    if (isUnderway(result)) return [act("Cancel", acts.cancel)];
    return [
      ...(isDone ? [download(result), act("Compare", acts.compare)] : []),
      ...(canRetry(result) ? [act("Retry", acts.retry, "Once more with the same settings, in place of this")] : []),
      ...(again ? [act("Again", ({ image }) => acts.again(image), "As one more result, with the settings that are chosen now")] : []),
      ...(isOneOfSeveral ? [act("Delete", acts.cancel)] : []),
    ];
  }
}

// A small version of an image: by the browser until it is sent, and by the server from then on.
class Thumbnail {
  constructor(node) {
    this.node = node;
    this.failed = new Set();
    this.local = null;
    node.onload = () => (node.src === this.local ? null : this.clear());
    node.onerror = () => {
      this.failed.add(this.source);
      node.hidden = true;
      if (this.image) this.show(this.image);
    };
  }

  show(image) {
    this.image = image;
    const source = this.sources(image).find((each) => each && !this.failed.has(each));
    if (source === this.source) return;
    this.source = source;
    this.node.hidden = !source;
    if (source) this.node.src = source;
  }

  sources({ upload, file, results }) {
    const result = results.find((each) => each.state === "done" && each.view.state);
    const isDisplayed = file && DISPLAYED.test(file.type) && file.size < MOST_LOCAL_BYTES;
    if (isDisplayed && !upload) this.local ??= URL.createObjectURL(file);
    return [upload && uploadOverviewOf(upload.id, THUMBNAIL), this.local, result && overviewOf(result.view.id, "after", THUMBNAIL)];
  }

  clear() {
    if (this.local) URL.revokeObjectURL(this.local);
    this.local = null;
  }
}

function about(image) {
  const { upload, file } = image;
  const measure = upload?.width ? size(upload.width, upload.height) : "";
  return [measure, file && bytes(file.size), folderOf(image)].filter(Boolean).join(" · ");
}

function removed(item, isDone) {
  return isDone ? `Removed; deleted in ${secondsToUndo(item)} s` : "Removed";
}

function details(view) {
  return [view.explanation && `${view.explanation}.`, `By ${network(view)}.`, notes(view)].filter(Boolean).join(" ");
}

function copy(template) {
  return document.getElementById(template).content.firstElementChild.cloneNode(true);
}

// Screen readers and the browser have work with each change, even to the same text.
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Return whether a node was last filled for another reason than this.
function changed(node, reason) {
  const isOther = node.dataset.for !== String(reason);
  node.dataset.for = reason;
  return isOther;
}

function progress(bar, isVisible, value, name) {
  bar.hidden = !isVisible;
  bar.setAttribute("aria-label", `Progress of ${name}`);
  bar.value = value;
}

function button(text, name, act, title = "") {
  const made = document.createElement("button");
  made.title = title;
  made.type = "button";
  made.textContent = text;
  made.setAttribute("aria-label", `${text}: ${name}`);
  made.onclick = act;
  return made;
}

function download({ view }) {
  const link = document.createElement("a");
  link.className = "button";
  link.textContent = "Download";
  link.setAttribute("aria-label", `Download: ${view.result_name}`);
  link.href = resultOf(view.id);
  link.download = view.result_name;
  return link;
}
