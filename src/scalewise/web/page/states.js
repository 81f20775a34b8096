// States of images and results in words.

import { bytes, duration, size, timeLeft } from "./format.js";
import { isOnTheWay, secondsLeft } from "./images.js";
import { defaultTask, title } from "./tasks.js";

export function imageState(image) {
  switch (image.state) {
    case "queued": return "To be sent";
    case "sending": return `Sending, ${Math.round(100 * image.sent)} %`;
    case "busy": return busy(image);
    case "unreachable": return "The server does not answer; this is sent once it does";
    case "stopped": return "Not sent";
    case "ready": return "Ready to start";
    default: return problem(image);
  }
}

export function resultState(result) {
  const { view, image } = result;
  switch (result.state) {
    case "queued": return isOnTheWay(image) ? imageState(image) : "To be started";
    case "starting": return "To be started";
    case "busy": return busy(result);
    case "unreachable": return "The server does not answer; looking for it";
    case "waiting": return waiting(view);
    case "running": return running(result);
    case "done": return done(view);
    case "cancelled": return "Cancelled";
    case "expired": return "No longer kept on the server";
    default: return problem(result);
  }
}

const busy = (item) => `The server is busy; trying again in ${item.retry} s`;

// A view that only has an id was kept over a reload, and the server has not answered yet.
function waiting(view) {
  if (!view.state) return "Asking the server";
  return view.ahead ? `Waiting, ${view.ahead} before it` : "Next in line";
}

function running(result) {
  const { view } = result;
  if (!view.state) return "Asking the server";
  const left = secondsLeft(result);
  const eta = left === null ? "" : `, ${timeLeft(left)}`;
  return `Working: ${Math.floor(100 * view.done)} %${eta}`;
}

function done(view) {
  if (!view.state) return "Asking the server";
  const time = view.seconds < 1 ? "under a second" : duration(view.seconds);
  return `${size(view.out_width, view.out_height)}, ${bytes(view.result_bytes)}, in ${time}`;
}

// A problem, without the name that the row shows anyway.  Other names of files stay as they are.
function problem({ problem, name }) {
  const text = problem.replace(`${name}: `, "");
  return text ? sentence(text, name) : "It failed";
}

export function sentence(text, name) {
  const [first] = text.split(" ");
  const isName = text.startsWith(name) || /[./\\]/.test(first);
  return isName ? text : text[0].toUpperCase() + text.slice(1);
}

// What was done, or is to be done, in a few words.
export function summary(result) {
  return (result.state === "done" && result.view.explanation) || setting(result.options);
}

export function setting({ task = defaultTask(), scale, width, height, strength, model, format, quality }) {
  return [
    model ?? title(task),
    scale && `${scale} times`,
    width && `${width} pixels wide`,
    height && `${height} pixels high`,
    strength !== undefined && Number(strength) < 1 && `strength ${Math.round(100 * strength)} %`,
    format && format.toUpperCase(),
    quality && `quality ${quality}`,
  ].filter(Boolean).join(", ");
}

// Warnings of a job in one line, without the name that stands above them.  Their number comes first,
// because rows show only the start.
export function notes({ warnings, name }) {
  const texts = warnings.map((each) => sentence(each.replace(`${name}: `, "").replace(/\.$/, ""), name));
  if (texts.length < 2) return texts.map((text) => `Note: ${text}.`).join("");
  return `${texts.length} notes: ${texts.map((text, index) => `(${index + 1}) ${text}.`).join(" ")}`;
}
