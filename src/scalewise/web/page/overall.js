// Progress of all that was started, in one number, with the time that is left.

import { timeLeft } from "./format.js";
import { isUnderway, secondsLeft } from "./images.js";
import { defaultTask } from "./tasks.js";

// Return {total, ended, part, secondsLeft, text} of what is under way, with what has ended since all had
// ended before; total is 0 if nothing is under way.  A reload changes nothing, for results keep their `run`.
export function overall(results) {
  const open = results.filter(isUnderway);
  const runs = new Set(open.map((result) => result.run));
  const run = results.filter((result) => runs.has(result.run));
  const ended = run.length - open.length;
  if (!open.length) return { total: 0, ended: 0, part: 0, secondsLeft: null, text: "" };
  const effort = efforts(run);
  const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
  const whole = sum(run.map((each) => effort.of(each)));
  const part = sum(run.map((each) => effort.of(each) * partDone(each))) / whole;
  const remaining = (each) => secondsLeft(each) ?? effort.of(each) * (1 - partDone(each));
  const left = effort.areSeconds ? sum(open.map(remaining)) : null;
  const time = left === null ? "" : `, ${timeLeft(left)}`;
  return { total: run.length, ended, part, secondsLeft: left, text: `${ended} of ${run.length} done${time}` };
}

function partDone(result) {
  if (!isUnderway(result)) return 1;
  return result.view?.done ?? 0;
}

// Estimate the effort of each result: by the server's estimate, else by pixels, and in seconds once
// anything of the same kind was measured.
function efforts(run) {
  const total = (of) => run.reduce((sum, each) => sum + (of(each) ?? 0), 0);
  const measured = (each) => (each.state === "done" && each.view.seconds ? each.view.seconds : null);
  const isExpected = run.every((each) => expected(each) !== null);
  const mean = total(pixels) / run.filter(pixels).length || 1;
  const guess = (each) => (isExpected ? expected(each) : (pixels(each) ?? mean)) || 1;
  const rate = total(measured) / total((each) => measured(each) && guess(each));
  const areSeconds = isExpected || rate > 0;
  return { areSeconds, of: (each) => measured(each) ?? guess(each) * (rate || 1) };
}

function pixels({ view, image }) {
  const { width, height } = view?.width ? view : (image.upload ?? {});
  return width ? width * height : null;
}

// The server's estimate for a setting, at its default size; null if it has none.
function expected({ image, options }) {
  const choices = image.upload?.choices ?? [];
  const task = options.task || defaultTask();
  const choice = choices.find((each) => each.task === task) ?? choices.find((each) => each.recommended);
  return choice?.seconds ?? null;
}
