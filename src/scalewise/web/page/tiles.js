// Tiles of images: fetched when they come into view, cancelled when they leave it before that, and cached.

import { problemOf } from "./api.js";

const MOST_AT_ONCE = 4; // of the six connections to a server that a browser opens
const MOST_PIXELS = 48e6; // kept, unless more are in view
const RETRY_SECONDS = 2;

export class TileLoader {
  // `changed` is called whenever a tile has arrived, or has failed.
  constructor(changed) {
    this.changed = changed;
    this.wanted = [];
    this.cache = new Map(); // bitmaps by address; the one used last is last
    this.running = new Map();
    this.problems = new Map();
  }

  // Ask for these addresses, the most important first, and for nothing else any more.
  want(addresses) {
    this.wanted = addresses;
    const kept = new Set(addresses);
    for (const [address, controller] of this.running) {
      if (kept.has(address)) continue;
      controller.abort();
      this.running.delete(address);
    }
    for (const address of this.problems.keys()) if (!kept.has(address)) this.problems.delete(address);
    this.pump();
    this.trim(kept);
  }

  // Return the bitmap of an address, or null while there is none.
  get(address) {
    const bitmap = this.cache.get(address);
    if (!bitmap) return null;
    this.cache.delete(address);
    this.cache.set(address, bitmap);
    return bitmap;
  }

  get missing() {
    return this.wanted.filter((address) => !this.cache.has(address));
  }

  get isLoading() {
    return this.missing.some((address) => !this.problems.get(address)?.isFinal);
  }

  // Return why addresses with this beginning are missing, or null.
  problem(beginning) {
    const address = this.wanted.find((each) => each.startsWith(beginning) && this.problems.has(each));
    return address ? this.problems.get(address) : null;
  }

  pump() {
    for (const address of this.missing) {
      if (this.running.size >= MOST_AT_ONCE) return;
      if (!this.running.has(address) && !this.problems.has(address)) this.load(address);
    }
  }

  async load(address) {
    const controller = new AbortController();
    this.running.set(address, controller);
    const isCurrent = () => this.running.get(address) === controller;
    try {
      const bitmap = await fetchBitmap(address, controller.signal);
      if (!isCurrent()) return bitmap.close();
      this.cache.set(address, bitmap);
    } catch (error) {
      if (!isCurrent()) return;
      this.fail(address, error);
    }
    this.running.delete(address);
    this.pump();
    this.changed();
  }

  fail(address, error) {
    const isFinal = error.status >= 400 && error.status < 500;
    const problem = { message: error.status ? error.message : "the server does not answer", isFinal };
    this.problems.set(address, problem);
    if (isFinal) return;
    setTimeout(() => {
      if (this.problems.get(address) === problem) this.problems.delete(address);
      this.pump();
    }, 1000 * (error.retry ?? RETRY_SECONDS));
  }

  // Forget the tiles that were not used for longest.
  trim(kept) {
    let pixels = 0;
    for (const bitmap of this.cache.values()) pixels += bitmap.width * bitmap.height;
    for (const [address, bitmap] of this.cache) {
      if (pixels <= MOST_PIXELS) return;
      if (kept.has(address)) continue;
      pixels -= bitmap.width * bitmap.height;
      this.cache.delete(address);
      bitmap.close();
    }
  }
}

async function fetchBitmap(address, signal) {
  const response = await fetch(address, { signal });
  if (!response.ok) throw await problemOf(response);
  // The server has converted the colours to sRGB, and the canvas is sRGB.
  return createImageBitmap(await response.blob(), { colorSpaceConversion: "none" });
}
