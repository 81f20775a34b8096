// The page: what users do, and what they see of it.

import * as api from "./api.js";
import { Comparison } from "./comparison.js";
import { bytes, duration } from "./format.js";
import { Queue } from "./queue.js";
import { Rows } from "./rows.js";
import { description, hasStrength, keepsSize, loadTasks } from "./tasks.js";

const find = (id) => document.getElementById(id);
const main = document.querySelector("main");
let limits = null;
let shown = null;

const queue = new Queue(changed);
const comparison = new Comparison(find("viewer"), (view) => mark(queue.jobs.find((job) => job.view?.id === view.id)));
const rows = new Rows(find("jobs"), find("row"), { compare, remove, again });

function changed(job) {
  rows.draw(queue.jobs, shown);
  const done = queue.done;
  find("zip").hidden = done.length < 2;
  find("zip").href = api.zipOf(done.map((each) => each.view.id));
  if (job?.state === "done" && !job.told) {
    job.told = true;
    find("news").textContent = `${job.name} is done`;
    if (!shown || shown.state !== "done") show(job);
  }
}

function add(files) {
  find("alarm").hidden = true;
  for (const file of files) {
    if (limits && file.size > limits.max_bytes) {
      queue.refuse(file, `this file has ${bytes(file.size)}; the limit here is ${bytes(limits.max_bytes)}`);
    } else {
      queue.add(file, chosenOptions());
    }
  }
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

function again(job) {
  if (shown === job) hide();
  queue.again(job, chosenOptions());
}

function remove(job) {
  if (shown === job) hide();
  queue.remove(job);
  find("files").focus();
}

function compare(job) {
  show(job);
  find("viewer").scrollIntoView({ block: "nearest" });
}

function show(job) {
  const { view } = job;
  main.classList.add("two");
  const ofUpload = (each) => each === job || (view.upload && each.view.upload === view.upload);
  comparison.show(view, job.name, queue.done.filter(ofUpload).map((each) => each.view));
  mark(job);
}

function mark(job) {
  shown = job;
  rows.draw(queue.jobs, shown);
}

function hide() {
  shown = null;
  comparison.hide();
  main.classList.remove("two");
}

function hint() {
  const task = find("task").value;
  find("size").disabled = keepsSize(task);
  find("width").hidden = find("size").value !== "width" || keepsSize(task);
  find("strength").disabled = !hasStrength(task);
  find("strength-shown").value = `${find("strength").value} %`;
  find("hint").textContent = description(task);
}

function imageFiles(transfer) {
  return [...transfer.files].filter((file) => file.size > 0);
}

function listen() {
  find("files").onchange = (event) => {
    add([...event.target.files]);
    event.target.value = "";
  };
  find("options").oninput = hint;
  find("options").onsubmit = (event) => event.preventDefault();
  document.addEventListener("paste", (event) => {
    const files = imageFiles(event.clipboardData);
    if (files.length) event.preventDefault();
    add(files);
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
    const files = imageFiles(event.dataTransfer);
    if (files.length) add(files);
    else alarm("That was not a file. Drop an image from a folder, or save it first.");
  });
}

function alarm(text) {
  find("alarm").textContent = text;
  find("alarm").hidden = false;
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
