// HTTP client of what an upload offers: its suitable settings, its overview, previews of its parts.

import { Problem, problemOf } from "./api.js";

const CACHED = 48;
const cache = new Map();

// Return an upload, with its choices at a size; null if the server no longer has it.
export async function findUpload(id, size, signal) {
  try {
    return await (await ask(`/v1/uploads/${id}?${new URLSearchParams(size)}`, { signal })).json();
  } catch (problem) {
    if (problem.status === 404) return null;
    throw problem;
  }
}

// Return a restored part of an upload as a bitmap; the last ones are kept.
export async function preview(id, query, signal) {
  const address = `/v1/uploads/${id}/preview?${new URLSearchParams(query)}`;
  const known = cache.get(address);
  if (known) return known;
  const answer = await ask(address, { signal });
  const bitmap = await createImageBitmap(await answer.blob());
  cache.set(address, bitmap);
  if (cache.size > CACHED) cache.delete(cache.keys().next().value);
  return bitmap;
}

async function ask(address, options) {
  let answer;
  try {
    answer = await fetch(address, options);
  } catch (error) {
    throw error.name === "AbortError" ? error : new Problem(0, "the server does not answer");
  }
  if (!answer.ok) throw await problemOf(answer);
  return answer;
}
