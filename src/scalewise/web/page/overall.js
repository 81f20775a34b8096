// Progress of all that was started, in one number, with the time that is left.

import { timeLeft } from "./format.js";
import { isUnderway } from "./images.js";

// The results of one stretch of work: it begins with the first start after all had ended.
export class Overall {
  constructor() {
    this.run = new Set();
  }

  // Return {total, ended, part, secondsLeft, text}; total is 0 if nothing is under way.
  of(results) {
    const open = results.filter(isUnderway);
    if (!open.length) this.run.clear();
    open.forEach((result) => this.run.add(result));
    const run = results.filter((result) => this.run.has(result));
    const ended = run.length - open.length;
    if (!open.length) return { total: 0, ended: 0, part: 0, secondsLeft: null, text: "" };
    const effort = efforts(run);
    const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
    const whole = sum(run.map((each) => effort.of(each)));
    const part = sum(run.map((each) => effort.of(each) * partDone(each))) / whole;
    const secondsLeft = effort.areSeconds ? sum(open.map((each) => each.view?.seconds_left ?? effort.of(each) * (1 - partDone(each)))) : null;
    const time = secondsLeft === null ? "" : `, ${timeLeft(secondsLeft)}`;
    return { total: run.length, ended, part, secondsLeft, text: `${ended} of ${run.length} done${time}` };
  }
}

function partDone(result) {
  if (!isUnderway(result)) return 1;
  return result.view?.done ?? 0;
}

// Estimate the effort of each result from the seconds that others took, by pixels; without any, all
// count the same.
function efforts(run) {
  const pixels = ({ view, image }) => {
    const { width, height } = view?.width ? view : (image.upload ?? {});
    return width ? width * height : null;
  };
  const measured = run.filter((each) => each.state === "done" && each.view.seconds && pixels(each));
  const total = (numbers) => numbers.reduce((a, b) => a + b, 0);
  const rate = total(measured.map((each) => each.view.seconds)) / total(measured.map(pixels));
  const known = run.map(pixels).filter(Boolean);
  const mean = known.length ? total(known) / known.length : 1;
  const estimated = (result) => expected(result) ?? (pixels(result) ?? mean) * rate;
  const areSeconds = Number.isFinite(rate) || run.every((each) => expected(each) !== null || each.view?.seconds_left != null);
  if (!areSeconds) return { areSeconds, of: (result) => pixels(result) ?? mean };
  return { areSeconds, of: (result) => (measured.includes(result) ? result.view.seconds : estimated(result)) || 0.001 };
}

// The server's estimate for a setting, at its default size; null if it has none.
function expected({ image, options }) {
  const choices = image.upload?.choices ?? [];
  const isAuto = !options.task || options.task === "auto";
  const choice = choices.find((each) => (isAuto ? each.recommended : each.task === options.task));
  return choice?.seconds ?? null;
}
