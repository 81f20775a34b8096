// The page: what users do, and what they see of it.

import * as api from "./api.js";
import { fromChooser, fromDrop, fromPaste } from "./dropping.js";
import { bytes, duration, network, size } from "./format.js";
import { ImageList } from "./list.js";
import { Queue } from "./queue.js";
import { description, hasStrength, keepsSize, loadTasks } from "./tasks.js";
import { Viewer } from "./viewer.js";

const find = (id) => document.getElementById(id);
const main = document.querySelector("main");
let limits = null;

const queue = new Queue();
const viewer = new Viewer(find("viewer"));
const list = new ImageList(queue, { open, compare, hide: hideIf, again, options: chosenOptions });

queue.addEventListener("ended", ({ detail: result }) => {
  const isFree = list.shown?.state !== "done";
  if (result.state !== "done" || !(isFree || list.shown.image === result.image)) return;
  show(result);
  if (isFree && isNarrow()) find("viewer").scrollIntoView({ block: "start" });
});

// True if the viewer lies below the list.
const isNarrow = () => matchMedia("(max-width: 61.99rem)").matches;

async function add(reading) {
  find("alarm").hidden = true;
  const found = await reading;
  if (found.length) queue.add(found, { options: chosenOptions(), start: true });
  else alarm("That was not a file. Drop an image from a folder, or save it first.");
}

function chosenOptions() {
  const task = find("task").value;
  const options = { task };
  const chosen = find("size").value;
  if (!keepsSize(task)) {
    if (chosen === "width") options.width = find("width").value || 3840;
    else if (chosen !== "2") options.scale = chosen;
  }
  const strength = find("strength").value / 100;
  if (hasStrength(task) && strength < 1) options.strength = strength;
  if (find("format").value) options.format = find("format").value;
  return options;
}

function again(image) {
  queue.start([image], chosenOptions());
}

function open(image) {
  const done = image.results.findLast((result) => result.state === "done");
  if (done) compare(done);
}

function compare(result) {
  show(result);
  find("viewer").scrollIntoView({ block: isNarrow() ? "start" : "nearest" });
}

function show(result) {
  list.shown = result;
  const view = result.view;
  find("viewer").hidden = false;
  main.classList.add("two");
  find("viewed").textContent = result.name;
  find("command").textContent = view.command;
  find("facts").replaceChildren(...facts(view).map(fact));
  viewer.show(api.beforeOf(view.id), api.afterOf(view.id), view.out_width, view.out_height);
  list.draw();
}

function hideIf(result) {
  if (result !== list.shown) return;
  list.shown = null;
  find("viewer").hidden = true;
  main.classList.remove("two");
}

function facts(view) {
  return [
    ["Before", size(view.width, view.height)],
    ["After", `${size(view.out_width, view.out_height)}, ${bytes(view.result_bytes)}`],
    ["By", network(view)],
    ["Took", duration(view.seconds)],
    ...view.warnings.map((warning) => ["Note", warning]),
  ];
}

function fact([name, value]) {
  const group = document.createElement("div");
  for (const [tag, text] of [["dt", name], ["dd", value]]) {
    group.appendChild(document.createElement(tag)).textContent = text;
  }
  return group;
}

function hint() {
  const task = find("task").value;
  find("size").disabled = keepsSize(task);
  find("width").hidden = find("size").value !== "width" || keepsSize(task);
  find("strength").disabled = !hasStrength(task);
  find("strength-shown").value = `${find("strength").value} %`;
  find("hint").textContent = description(task);
}

function listen() {
  for (const id of ["files", "folder"]) {
    find(id).onchange = (event) => {
      add(fromChooser(event.target.files, limits));
      event.target.value = "";
    };
  }
  find("options").oninput = hint;
  find("options").onsubmit = (event) => event.preventDefault();
  find("copy").onclick = copy;
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

async function copy() {
  const text = find("command").textContent;
  try {
    await navigator.clipboard.writeText(text);
    find("copy").textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(find("command"));
    find("copy").textContent = "Selected";
  }
  setTimeout(() => (find("copy").textContent = "Copy"), 2000);
}

async function start() {
  listen();
  hint();
  queue.restore();
  try {
    await loadTasks(find("task"));
    hint();
    limits = await api.limits();
    find("limits").textContent =
      `JPEG, PNG, TIFF, WebP, AVIF, HEIC or GIF; up to ${bytes(limits.max_bytes)} and ` +
      `${limits.max_pixels / 1e6} megapixels. Results are kept for ${duration(limits.keep_seconds)}.`;
  } catch {
    alarm("The server does not answer. Is it still running?");
  }
}

start();
