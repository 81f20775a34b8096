// Files that are dropped, pasted or chosen: folders are walked, and each file that cannot be used is
// returned with the reason.

import { bytes } from "./format.js";

// Files and folders that systems put into folders by themselves.
const CLUTTER = new RegExp(
  String.raw`^(\.ds_store|\._.*|\.localized|\.directory|\.nomedia|\.apdisk|\.thumbnails|\.trash(es|-.*)?|\.appledouble` +
    String.raw`|\.spotlight-v100|\.fseventsd|__macosx|@eadir|icon\r|(eh)?thumbs\.db|desktop\.ini|\$recycle\.bin` +
    String.raw`|system volume information)$`,
  "i",
);
const isHidden = (name) => name.startsWith(".");
const HIDDEN = "this folder is hidden, so it was left out; drop or choose it by itself to use it";
// The first bytes of the images that are read here; see files/formats.py.
const IMAGE = new RegExp(
  String.raw`^(\x89PNG|\xff\xd8\xff|GIF8|II[*+]\0|MM\0[*+]|RIFF....WEBP|....ftyp(avi[fs]|he[iv][cxms]|mif[12]|msf1|miaf|avc[is]|jpeg|j2ki|vvic)` +
    String.raw`|BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0)`,
  "s",
);
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
  const hidden = new Set();
  for (const file of [...files].sort((a, b) => order.compare(pathOf(a), pathOf(b)))) {
    const parts = pathOf(file).split("/");
    if (parts.slice(1).some((part) => CLUTTER.test(part))) continue;
    const depth = parts.findIndex((part, index) => index > 0 && index < parts.length - 1 && isHidden(part));
    const folder = parts.slice(0, depth + 1).join("/");
    if (depth < 0) found.push(await check(file, limits, pathOf(file)));
    else if (!hidden.has(folder)) found.push({ name: parts[depth], path: folder, file: null, problem: HIDDEN });
    hidden.add(folder);
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
    if (isInFolder && isHidden(entry.name)) throw new Error(HIDDEN);
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

// Return why a file cannot be sent; "" if it can.  The server judges by content.  In folders, where
// other files are expected, the name or the first bytes must be an image's.
async function problemOf(file, limits, path) {
  if (!file.size) return "this file is empty";
  if (limits && file.size > limits.max_bytes) {
    return `this file has ${bytes(file.size)}; the limit here is ${bytes(limits.max_bytes)}`;
  }
  const format = limits?.formats?.find((each) => each.suffixes.includes(suffix(file.name)));
  if (format && !format.reads) return `${format.name} cannot be read on this machine; convert it to PNG or JPEG first`;
  if (!(await isReadable(file))) return UNREADABLE;
  const isExpected = !path || !limits?.formats || format || (await beginsAsImage(file));
  return isExpected ? "" : "not an image in a format that is read here";
}

async function beginsAsImage(file) {
  const start = new Uint8Array(await file.slice(0, 18).arrayBuffer());
  return IMAGE.test(String.fromCharCode(...start));
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
