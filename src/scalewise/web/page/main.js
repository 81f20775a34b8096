// The page: what users do, and what they see of it.

import * as api from "./api.js";
import { Attention, holdPlace } from "./attention.js";
import { Comparison } from "./comparison.js";
import { fromChooser, fromDrop, fromPaste } from "./dropping.js";
import { bytes, duration } from "./format.js";
import { isUnderway, resultsOf } from "./images.js";
import { ImageList } from "./list.js";
import { Panel } from "./panel.js";
import { Queue } from "./queue.js";
import { Settings, requestFields } from "./settings.js";
import { SettingsForm } from "./settings_form.js";

const find = (id) => document.getElementById(id);
const main = document.querySelector("main");
let limits = null;

const attention = new Attention();
const queue = new Queue();
const settings = new Settings(drawSettings, (image) => queue.keep(image));
const form = new SettingsForm(find("options"), settings);
const comparison = new Comparison(find("viewer"), (view) => mark(queue.find(view.id)));
const panel = new Panel(find("panel"), find("choice"), form, settings, {
  start: restoreTried,
  startOthers: () => startEach(waiting()),
  waiting,
  isUnderway: isBeingRestored,
  changed: arrange,
  dismissed: (image) => list.focus(image),
});
const list = new ImageList(queue, { open, compare, hide: hideIf, start: restore, startAll, tryOut });

queue.addEventListener("change", () => {
  panel.follow();
  if (list.shown) comparison.update(doneViews(list.shown.image));
});
queue.addEventListener("ended", ({ detail: result }) => {
  const isNext = panel.isOpen ? panel.image === result.image : list.shown?.state !== "done" || list.shown.image === result.image;
  if (result.state !== "done" || !isNext) return;
  const isFirst = panel.isOpen || !list.shown;
  const showIt = () => {
    if (panel.isOpen) panel.close();
    show(result);
  };
  if (!isFirst || !isNarrow()) return showIt();
  if (!attention.isFree) return holdPlace(showIt);
  showIt();
  find("viewer").scrollIntoView({ block: "start" });
});

function isBeingRestored(image) {
  return image.results.some(isUnderway);
}

// The images that can be started, but for the one of the panel.
function waiting() {
  return queue.startable.filter((image) => image !== panel.image);
}

// Matches if everything is in one column.
const narrow = matchMedia("(max-width: 61.99rem)");
const isNarrow = () => narrow.matches;

// In one column a long list would keep the settings out of reach: there they come first, folded.
function placeSettings() {
  const options = find("options");
  options.parentElement[isNarrow() ? "prepend" : "append"](options);
  options.querySelector("details").open = !isNarrow();
}

function drawSettings() {
  form.draw();
  panel.draw();
}

// Images start at once, unless that is switched off, the panel is in use, or a setting is wrong.
async function add(reading, isTrial = false) {
  find("alarm").hidden = true;
  const found = await reading;
  if (!found.length) return alarm("That was not a file. Drop an image from a folder, or save it first.");
  const images = queue.add(found).filter((image) => image.file);
  if (!images.length) return;
  const isTried = panel.isOpen && !isBeingRestored(panel.image);
  if (isTrial || (!settings.values.start && !panel.isOpen)) tryOut(images[0]);
  else if (!settings.values.start) return;
  else if (isTried) images.forEach((image) => (image.isHeld = true));
  else if (isReady(images[0])) images.forEach(start);
}

// Return whether the settings of an image can be sent; say so if not.
function isReady(image) {
  if (form.check(form.offered(settings.of(image)))) return true;
  alarm("A setting is wrong. Mend the one that is marked; then start the images in the list.");
  return false;
}

function start(image) {
  attention.begin();
  const values = form.offered(settings.of(image));
  queue.start([image], requestFields(values, form.rules(values), image.name));
}

function restore(image) {
  startEach([image]);
}

function startAll() {
  startEach(queue.startable);
}

// With the image of the panel, those start that only waited for it.
function restoreTried(image) {
  startEach([image, ...waiting().filter(({ isHeld }) => isHeld && settings.values.start)]);
}

function startEach(images) {
  find("alarm").hidden = true;
  if (images.every(isReady)) images.forEach(start);
}

function tryOut(image) {
  panel.open(image);
  find("panel").scrollIntoView({ block: "nearest" });
}

function open(image) {
  const done = resultsOf(image).findLast((result) => result.state === "done");
  if (done) compare(done);
  else tryOut(image);
}

function compare(result) {
  if (panel.isOpen) panel.close();
  show(result);
  find("viewer").scrollIntoView({ block: isNarrow() ? "start" : "nearest" });
  find("stage").focus({ preventScroll: true }); // for its keys
}

function show(result) {
  comparison.show(result.view, result.name, doneViews(result.image));
  mark(result);
}

const doneViews = (image) => resultsOf(image).filter(({ state, view }) => state === "done" && view.state).map(({ view }) => view);

function mark(result) {
  list.shown = result;
  arrange();
}

function hideIf(result) {
  if (result !== list.shown) return;
  comparison.hide();
  mark(null);
}

// The panel, the viewer, or as long as there is nothing to see, a large place to drop images.
function arrange() {
  list.chosen = panel.image;
  find("viewer").hidden = panel.isOpen || !list.shown;
  main.classList.toggle("busy", panel.isOpen || Boolean(list.shown));
  list.draw();
}

function listen() {
  narrow.onchange = placeSettings;
  for (const id of ["files", "folder", "try-file"]) {
    find(id).onchange = (event) => {
      add(fromChooser(event.target.files, limits), id === "try-file");
      event.target.value = "";
    };
  }
  find("panel-other").onclick = () => tryOut(list.shown.image);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && panel.isOpen && !event.target.matches("select")) panel.dismiss();
  });
  document.addEventListener("paste", (event) => {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    add(fromPaste(event.clipboardData, limits));
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("over-it");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("over-it");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("over-it");
    add(fromDrop(event.dataTransfer, limits));
  });
}

function alarm(text) {
  find("alarm").textContent = text;
  find("alarm").hidden = false;
}

async function begin() {
  placeSettings();
  listen();
  form.draw();
  queue.restore();
  try {
    const [tasks, known] = await Promise.all([api.tasks(), api.limits()]);
    limits = known;
    form.offer(tasks, known.formats);
    const formats = known.formats.filter((format) => format.reads);
    const accepted = formats.flatMap(({ name, suffixes }) => [`image/${name.toLowerCase()}`, ...suffixes]);
    for (const id of ["files", "try-file"]) find(id).accept = accepted.join();
    const read = formats.map((format) => format.name);
    find("limits").textContent =
      `${read.slice(0, -1).join(", ")} or ${read.at(-1)}; up to ${bytes(known.max_bytes)} and ` +
      `${known.max_pixels / 1e6} megapixels. Results are kept for ${duration(known.keep_seconds)}.`;
  } catch {
    alarm("The server does not answer. Is it still running?");
  }
}

// Only browsers that trust the address have one: this machine's own, or one with TLS.
navigator.serviceWorker?.register("/page/service_worker.js", { scope: "/" }).catch(() => {});
begin();
