// Files that are dropped, pasted or chosen: folders are walked, and each file that cannot be used is
// returned with the reason.

import { bytes } from "./format.js";

// Files that systems put into folders by themselves.
const CLUTTER = /^(\..*|thumbs\.db|desktop\.ini)$/i;
export const UNREADABLE = "this file cannot be read; it was moved or changed, or you may not open it";
const order = new Intl.Collator(undefined, { numeric: true });

// Return what a drop holds, as {name, path, file, problem}.  Call it within the event: afterwards the
// browser has cleared the list.
export async function fromDrop(transfer, limits) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const dropped = items.map((item) => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() }));
  const found = [];
  for (const { entry, file } of dropped) {
    if (entry) await walk(entry, found, limits, false);
    else if (file) found.push(await check(file, limits));
    else found.push({ name: "unnamed file", path: "", file: null, problem: "the browser does not hand over this file" });
  }
  return found;
}

// Return chosen files; those of a chosen folder have their path within it.
export async function fromChooser(files, limits) {
  const found = [];
  for (const file of [...files].sort((a, b) => order.compare(pathOf(a), pathOf(b)))) {
    if (pathOf(file) && CLUTTER.test(file.name)) continue;
    found.push(await check(file, limits, pathOf(file)));
  }
  return found;
}

export async function fromPaste(transfer, limits) {
  return Promise.all([...transfer.files].map((file) => check(file, limits)));
}

const pathOf = (file) => file.webkitRelativePath ?? "";

async function walk(entry, found, limits, isInFolder) {
  if (isInFolder && CLUTTER.test(entry.name)) return;
  const path = isInFolder ? entry.fullPath.replace(/^\//, "") : "";
  try {
    if (!entry.isDirectory) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      found.push(await check(file, limits, path));
      return;
    }
    const inside = (await list(entry)).sort((a, b) => order.compare(a.name, b.name));
    for (const each of inside) await walk(each, found, limits, true);
    if (!isInFolder && !inside.length) throw new Error("this folder is empty");
  } catch (error) {
    found.push({ name: entry.name, path, file: null, problem: entry.isDirectory ? folderProblem(error) : UNREADABLE });
  }
}

// Browsers list a folder in parts of up to 100.
async function list(folder) {
  const reader = folder.createReader();
  const found = [];
  for (;;) {
    const part = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!part.length) return found;
    found.push(...part);
  }
}

async function check(file, limits, path = "") {
  const name = file.name || "pasted image.png";
  const problem = await problemOf(file, limits, path);
  return { name, path, file: problem ? null : file, problem };
}

// Return why a file cannot be sent; "" if it can.  The server judges by content; names count here
// only in folders, where other files are expected, and for formats that cannot be decoded here.
async function problemOf(file, limits, path) {
  if (!file.size) return "this file is empty";
  if (limits && file.size > limits.max_bytes) {
    return `this file has ${bytes(file.size)}; the limit here is ${bytes(limits.max_bytes)}`;
  }
  const format = limits?.formats?.find((each) => each.suffixes.includes(suffix(file.name)));
  if (format && !format.reads) return `${format.name} cannot be read on this machine; convert it to PNG or JPEG first`;
  if (path && limits?.formats && !format) return "not an image in a format that is read here";
  return (await isReadable(file)) ? "" : UNREADABLE;
}

const suffix = (name) => name.slice(name.lastIndexOf(".")).toLowerCase();

// Return whether a file can still be read: it may be gone, changed, or not permitted.
export async function isReadable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

function folderProblem(error) {
  return error instanceof DOMException ? "this folder cannot be read; check its permissions" : error.message;
}
