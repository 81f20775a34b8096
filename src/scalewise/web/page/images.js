// Images and their results, as the queue holds them and as the browser keeps them.
//
// An image has a `state`: queued, sending, busy, unreachable, stopped, ready, refused or lost.  `upload`
// is the server's view of it.  A result is queued, starting or busy until the server has its job; then its
// state is the job's, unreachable while the server does not answer, and expired once the job is deleted.
// `run` names the stretch of work that a result belongs to: from a start until nothing is under way.
// Both have `leaving` while their removal can be undone.

import { newKey } from "./store.js";

export const ENDED = ["done", "failed", "cancelled", "lost", "expired"];

export const isUnderway = (result) => !ENDED.includes(result.state);
export const isOnTheWay = (image) => ["queued", "sending", "busy", "unreachable"].includes(image.state);

// True if this result, which ended without a file, could be made from what is left.
export const canRetry = ({ state, image }) =>
  ["failed", "cancelled", "lost", "expired"].includes(state) && Boolean(image.file || image.upload);

// True if anything is left to get from an image, or to do with it.
export const isUseful = ({ file, upload, results }) =>
  Boolean(file || upload) || results.some((result) => result.state === "done" || isUnderway(result));

// The path of the folder in which an image was given, or "".
export const folderOf = ({ path }) => path.slice(0, Math.max(0, path.lastIndexOf("/")));

// The order of the work: the first batch first, each from its top.
export const inOrder = (images) => [...images].sort((a, b) => a.batch - b.batch || a.place - b.place);

// The order of the list: the newest batch on top, each from its top.
export const byBatch = (a, b) => b.batch - a.batch || a.place - b.place;

// The results of an image, without those that are being removed.
export const resultsOf = ({ results }) => results.filter((result) => !result.leaving);

// True if the removal of an image, or of one of its results, can still be undone.
export const isLeaving = ({ leaving, results }) => Boolean(leaving) || results.some((result) => result.leaving);

// The state that an image's row shows: that of its newest result, once the server has the image.
export function stateOf(image) {
  const newest = resultsOf(image).at(-1);
  return newest && !(newest.state === "queued" && isOnTheWay(image)) ? newest.state : image.state;
}

export function makeImage(fields) {
  return {
    key: newKey(), batch: 0, place: 0, name: "image", path: "", file: null, settings: null, upload: null,
    state: "queued", sent: 0, tries: 0, problem: "", results: [], leaving: null, ...fields,
  };
}

export function makeResult(image, fields) {
  return {
    key: newKey(), image, options: {}, state: "queued", view: null, problem: "", resent: 0, taken: 0, heard: 0, run: 0, leaving: null, ...fields,
    get name() {
      return this.image.name;
    },
  };
}

// The server's estimate, counted down since it came; null if there is none.
export function secondsLeft({ view, heard }) {
  const estimate = view?.seconds_left ?? null;
  return estimate === null ? null : Math.max(0, estimate - (Date.now() - heard) / 1000);
}

// What the browser keeps of an image, next to its file.
export function recordOf(image) {
  const { key, batch, place, name, path, settings, upload } = image;
  const results = image.results.map((each) => ({
    key: each.key, id: each.view?.id ?? null, options: each.options, state: each.state, problem: each.problem, run: each.run,
  }));
  return { key, batch, place, name, path, settings, upload: upload?.id ?? null, isStopped: image.state === "stopped", results };
}

export function imageFrom({ results, upload, isStopped, tab: _, ...fields }) {
  const image = makeImage({ ...fields, upload: upload && { id: upload } });
  image.state = isStopped ? "stopped" : upload ? "ready" : fields.file ? "queued" : "lost";
  image.results = results.map(({ id, ...result }) => {
    const state = !id && !ENDED.includes(result.state) ? "queued" : result.state;
    return makeResult(image, { ...result, state, view: id && { id } });
  });
  return image;
}
