// Section that compares a result with its upload or with another result, and tells how it was made.

import { overviewOf, regionOf, resultOf } from "./api.js";
import { dragResult } from "./dragging.js";
import { bytes, duration, network, size } from "./format.js";
import { MODES } from "./panes.js";
import { notes } from "./states.js";
import { Viewer } from "./viewer.js";

const NO_ORIGINAL = "The original is no longer on the server: only the result can be shown.";
const RESAMPLERS = { nearest: "original pixels", bicubic: "bicubic" };

export class Comparison {
  // `chosen` is called with the view of another result that the user has chosen to see.
  constructor(root, chosen) {
    this.root = root;
    this.chosen = chosen;
    this.find = (id) => root.querySelector(`#${id}`);
    this.viewer = new Viewer(root);
    this.kind = "bicubic"; // of the left side: a resampler, or "result"
    this.view = null;
    this.views = [];
    this.other = null;
    this.shownUpload = null;
    this.listen();
  }

  // Show a finished job; `views` are all finished jobs of its upload, the oldest first.
  show(view, name, views = [view]) {
    this.name = name;
    this.view = view;
    this.find("viewed").textContent = name;
    this.find("explanation").textContent = view.explanation || `Made by ${network(view)}.`;
    this.find("notes").textContent = [notes(view), view.upload === null ? NO_ORIGINAL : ""].join(" ").trim();
    this.find("notes").hidden = !this.find("notes").textContent;
    this.find("command").textContent = view.command;
    this.find("facts").replaceChildren(...facts(view).map(fact));
    const save = this.find("save");
    save.href = resultOf(view.id);
    save.download = view.result_name;
    this.offer(views);
    this.compare();
  }

  // Take over what has become of the upload's results in the meantime.
  update(views) {
    const ids = (all) => all.map((view) => view.id).join();
    const now = views.find((view) => view.id === this.view?.id);
    if (now && now.upload !== this.view.upload) return this.show(now, this.name, views); // the original is gone
    if (!this.view || ids(views) === ids(this.views) || !views.some((view) => view.id === this.view.id)) return;
    this.offer(views);
    this.compare();
  }

  offer(views) {
    this.views = views;
    const others = views.filter((view) => view.id !== this.view.id);
    if (!others.some((view) => view.id === this.other?.id)) this.other = others.at(-1) ?? null;
    fill(this.find("other"), others, this.other?.id, views);
    fill(this.find("right"), views, this.view.id, views);
    this.find("right-label").hidden = !others.length;
    for (const choice of this.choices) choice.parentElement.hidden = !this.kinds.includes(choice.value);
    this.find("left").hidden = this.kinds.length < 2;
  }

  hide() {
    this.view = this.shownUpload = null;
    this.viewer.clear();
  }

  // What the left side can show.  Without a change of size there is nothing to resample.
  get kinds() {
    const { view } = this;
    const isSized = view.out_width !== view.width || view.out_height !== view.height;
    const before = view.upload === null ? [] : isSized ? Object.keys(RESAMPLERS) : ["nearest"];
    return [...before, ...(this.other ? ["result"] : [])];
  }

  compare() {
    const { view, kinds } = this;
    const kind = kinds.includes(this.kind) ? this.kind : (kinds[0] ?? null);
    for (const choice of this.choices) choice.checked = choice.value === kind;
    this.find("other").hidden = kind !== "result";
    const isResult = kind === "result";
    const a = isResult ? after(this.other, `A: ${label(this.other, this.views)}`) : kind && before(view, kind, kinds);
    const b = after(view, isResult ? `B: ${label(view, this.views)}` : "after");
    const short = isResult ? ["A", "B"] : ["before", "after"];
    this.find("hold").textContent = `Hold to see ${short[0]}`;
    this.find("all-left").textContent = `all ${short[1]}`;
    this.find("all-right").textContent = `all ${short[0]}`;
    for (const id of ["hold", "line-label", "modes"]) this.find(id).hidden = !a;
    const upload = view.upload ?? view.id;
    this.viewer.show(a, b, upload === this.shownUpload);
    this.shownUpload = upload;
  }

  get choices() {
    return [...this.root.querySelectorAll("input[name=left]")];
  }

  listen() {
    for (const choice of this.choices) {
      choice.onchange = () => {
        this.kind = choice.value;
        this.compare();
      };
    }
    const found = (event) => this.views.find((view) => view.id === event.target.value);
    this.find("other").onchange = (event) => {
      this.other = found(event);
      this.compare();
    };
    this.find("right").onchange = (event) => {
      const [old, view] = [this.view, found(event)];
      if (view.id === this.other?.id) this.other = old; // A and B change places
      this.show(view, this.name, this.views);
      this.chosen(view);
    };
    for (const mode of MODES) this.find(mode).onchange = () => this.setMode(mode);
    this.setMode("line");
    this.find("copy").onclick = () => this.copy();
    this.find("save").ondragstart = (event) => dragResult(event, this.view);
    this.listenToHolding(this.find("hold"));
  }

  setMode(mode) {
    this.viewer.setMode(mode);
    this.root.dataset.mode = mode;
  }

  listenToHolding(button) {
    const hold = (isHeld) => {
      this.viewer.hold(isHeld);
      button.setAttribute("aria-pressed", String(isHeld));
    };
    button.onpointerdown = (event) => {
      button.setPointerCapture(event.pointerId);
      hold(true);
    };
    for (const end of ["onpointerup", "onpointercancel", "onblur", "onkeyup"]) button[end] = () => hold(false);
    button.onkeydown = (event) => {
      if ([" ", "Enter"].includes(event.key)) hold(true); // returning false would stop the Tab key
    };
    button.oncontextmenu = (event) => event.preventDefault();
  }

  async copy() {
    const button = this.find("copy");
    try {
      await navigator.clipboard.writeText(this.view.command);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(this.find("command"));
      button.textContent = "Selected";
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  }
}

function before(view, resampler, kinds) {
  const isSized = kinds.includes("bicubic");
  return side(view, { side: "before", resampler }, isSized ? `before: ${RESAMPLERS[resampler]}` : "before");
}

const after = (view, name) => side(view, { side: "after" }, name);

function side(view, which, name) {
  return {
    name,
    width: view.out_width,
    height: view.out_height,
    overview: (most) => overviewOf(view.id, which.side, most),
    region: (x, y, width, height, scale) => regionOf(view.id, { ...which, x, y, width, height, scale }),
  };
}

// Fill a list with results.
function fill(select, views, chosen, all) {
  select.replaceChildren(...views.map((view) => new Option(label(view, all), view.id, false, view.id === chosen)));
}

// Return what distinguishes a result from the others of its upload, in a few words.
function label(view, all) {
  const { strength } = view.options ?? {};
  const weaker = strength !== undefined && Number(strength) < 1 ? `, strength ${Math.round(100 * strength)} %` : "";
  const text = (each) => `${each.model}, ${size(each.out_width, each.out_height)}`;
  const rest = all.filter((each) => text(each) === text(view) && each.options?.strength === strength);
  const number = rest.length > 1 ? `, ${rest.findIndex((each) => each.id === view.id) + 1}` : "";
  return `${text(view)}${weaker}${number}`;
}

function facts(view) {
  return [
    ["Before", size(view.width, view.height)],
    ["After", `${size(view.out_width, view.out_height)}, ${bytes(view.result_bytes)}`],
    ["By", network(view)],
    ["Took", duration(view.seconds)],
  ];
}

function fact([name, value]) {
  const group = document.createElement("div");
  for (const [tag, text] of [["dt", name], ["dd", value]]) {
    group.appendChild(document.createElement(tag)).textContent = text;
  }
  return group;
}
