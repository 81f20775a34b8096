// The page: what users do, and what they see of it.

import * as api from "./api.js";
import { bytes, duration, network, size } from "./format.js";
import { Queue } from "./queue.js";
import { Rows } from "./rows.js";
import { Settings, requestFields } from "./settings.js";
import { SettingsForm } from "./settings_form.js";
import { Viewer } from "./viewer.js";

const find = (id) => document.getElementById(id);
const main = document.querySelector("main");
let limits = null;
let shown = null;

const settings = new Settings(() => form.draw());
const form = new SettingsForm(find("options"), settings);
const queue = new Queue(changed);
const viewer = new Viewer(find("viewer"));
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
  if (!form.check(chosen())) return alarm("Mend the setting that is marked first; then add the images again.");
  for (const file of files) {
    if (limits && file.size > limits.max_bytes) {
      queue.refuse(file, `this file has ${bytes(file.size)}; the limit here is ${bytes(limits.max_bytes)}`);
    } else {
      queue.add(file, fieldsFor(file.name));
    }
  }
}

function chosen() {
  return form.offered(settings.values);
}

function fieldsFor(name) {
  return requestFields(chosen(), form.rules(chosen()), name);
}

function again(job) {
  if (shown === job) hide();
  queue.again(job, fieldsFor(job.name));
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
  shown = job;
  const view = job.view;
  find("viewer").hidden = false;
  main.classList.add("busy");
  find("viewed").textContent = job.name;
  find("command").textContent = view.command;
  find("facts").replaceChildren(...facts(view).map(fact));
  viewer.show(api.beforeOf(view.id), api.afterOf(view.id), view.out_width, view.out_height);
  rows.draw(queue.jobs, shown);
}

function hide() {
  shown = null;
  find("viewer").hidden = true;
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

function imageFiles(transfer) {
  return [...transfer.files].filter((file) => file.size > 0);
}

function listen() {
  find("files").onchange = (event) => {
    add([...event.target.files]);
    event.target.value = "";
  };
  find("copy").onclick = copy;
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
  form.draw();
  queue.restore();
  try {
    const [tasks, known] = await Promise.all([api.tasks(), api.limits()]);
    limits = known;
    form.offer(tasks);
    find("limits").textContent =
      `JPEG, PNG, TIFF, WebP, AVIF, HEIC or GIF; up to ${bytes(limits.max_bytes)} and ` +
      `${limits.max_pixels / 1e6} megapixels. Results are kept for ${duration(limits.keep_seconds)}.`;
  } catch {
    alarm("The server does not answer. Is it still running?");
  }
}

// Only browsers that trust the address have one: this machine's own, or one with TLS.
navigator.serviceWorker?.register("/page/service_worker.js", { scope: "/" }).catch(() => {});
start();
