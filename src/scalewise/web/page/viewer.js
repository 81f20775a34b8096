// Image viewer: two images in the same place and at the same zoom, drawn in true pixels of the screen.

import { Camera } from "./camera.js";
import { Gestures } from "./gestures.js";
import { Layer } from "./layer.js";
import { panes, placeTag, viewRoom } from "./panes.js";
import { TileLoader } from "./tiles.js";

const REST_MILLISECONDS = 60; // between requests while the view moves
const LOADING_MILLISECONDS = 150; // after which it is said that something is loading

export class Viewer {
  constructor(root) {
    const find = (id) => root.querySelector(`#${id}`);
    [this.stage, this.canvas, this.handle, this.shown, this.slider, this.loading, this.problem] =
      ["stage", "canvas", "handle", "zoom", "split", "loading", "tile-problem"].map(find);
    this.tags = { a: find("tag-a"), b: find("tag-b") };
    this.context = this.canvas.getContext("2d");
    this.loader = new TileLoader(() => this.changed());
    this.camera = new Camera();
    this.layers = { a: null, b: null };
    this.mode = "line";
    this.split = 0.5;
    this.isHeld = false;
    find("smaller").onclick = () => this.step(false);
    find("larger").onclick = () => this.step(true);
    find("fit").onclick = () => this.fit();
    find("full").onclick = () => this.full();
    this.slider.oninput = () => this.slideTo(this.slider.value / 100);
    new Gestures(this.stage, this.handle, this);
    new ResizeObserver((entries) => this.resize(entries[0])).observe(this.canvas);
  }

  // Show image b, and a to compare it with, which may be null: as layer.js describes them, with the `name`
  // of their tags.  `sameUpload`: both show what was shown before.
  show(a, b, sameUpload) {
    this.layers = { a: a && new Layer(a, this.loader), b: new Layer(b, this.loader) };
    this.names = { a: a?.name ?? "", b: b.name };
    for (const side of ["a", "b"]) this.tags[side].textContent = this.names[side];
    this.canvas.setAttribute("aria-label", a ? `Left: ${a.name}. Right: ${b.name}.` : b.name);
    this.stage.classList.toggle("alone", !a);
    this.camera.setImage(b.width, b.height, sameUpload);
    this.slideTo(this.split);
  }

  // Show nothing, and stop loading.
  clear() {
    this.layers = { a: null, b: null };
    this.loader.want([]);
  }

  setMode(mode) {
    this.mode = mode;
    this.stage.dataset.mode = mode;
    this.measure();
  }

  resize(entry) {
    // Browsers know exactly how they round; but not all tell, and not while they emulate another screen.
    const exact = entry.devicePixelContentBoxSize?.[0];
    const box = this.canvas.getBoundingClientRect();
    const rounded = (start, end, known) => {
      const computed = Math.round(end * devicePixelRatio) - Math.round(start * devicePixelRatio);
      return Math.abs(known - computed) <= 1 ? known : computed;
    };
    const width = rounded(box.left, box.right, exact?.inlineSize);
    const height = rounded(box.top, box.bottom, exact?.blockSize);
    if (!width || !height) return;
    this.canvas.width = width;
    this.canvas.height = height;
    this.measure();
    this.draw(); // at once: a canvas that has changed its size is empty
  }

  measure() {
    const { canvas } = this;
    this.camera.setRoom(...viewRoom(this.mode, [canvas.width, canvas.height]), this.ratio);
    this.changed();
  }

  get ratio() {
    return devicePixelRatio;
  }

  // ---- what users do; points and lengths are CSS pixels of the stage

  slideTo(part) {
    this.split = Math.min(1, Math.max(0, part));
    this.slider.value = Math.round(100 * this.split);
    const { a, b } = this.names ?? { a: "before", b: "after" };
    this.slider.setAttribute("aria-valuetext", `${this.slider.value} % ${a}, ${100 - this.slider.value} % ${b}`);
    this.changed();
  }

  // Show only a, as long as something is held.
  hold(isHeld) {
    if (this.isHeld === isHeld) return;
    this.isHeld = isHeld;
    this.changed();
  }

  zoomBy(factor, point) {
    this.camera.zoomTo(this.camera.scale * factor, this.inPane(point));
    this.changed();
  }

  step(isLarger) {
    this.camera.step(isLarger);
    this.changed();
  }

  fit() {
    this.camera.fit();
    this.changed();
  }

  full(point) {
    this.camera.zoomTo(1, point && this.inPane(point));
    this.changed();
  }

  toggleZoom(point) {
    if (this.camera.isFitted) this.full(point);
    else this.fit();
  }

  moveBy(across, down) {
    this.camera.moveBy(across * this.ratio, down * this.ratio);
    this.changed();
  }

  inPane(point) {
    const at = point.map((each) => each * this.ratio);
    const inside = ({ left, top, right, bottom }) => at[0] >= left && at[0] < right && at[1] >= top && at[1] < bottom;
    const { corner } = this.panes.find(inside) ?? { corner: [0, 0] };
    return [at[0] - corner[0], at[1] - corner[1]];
  }

  // ---- drawing

  get panes() {
    const room = [this.canvas.width, this.canvas.height];
    return panes(this.mode, room, this.split, this.isHeld, this.layers.a !== null);
  }

  changed() {
    this.frame ??= requestAnimationFrame(() => this.draw());
    this.asking ??= setTimeout(() => this.ask(), REST_MILLISECONDS);
    this.tell();
  }

  // Images of another size than b's are shown as large as b.
  viewOf(layer) {
    const { left, top, scale } = this.camera.view;
    return { left, top, scale: (scale * this.camera.image[0]) / layer.width };
  }

  ask() {
    this.asking = null;
    const layers = Object.values(this.layers).filter(Boolean);
    const needs = layers.flatMap((layer) => layer.needs(this.viewOf(layer), this.camera.room));
    needs.sort((one, other) => one.rank - other.rank);
    this.loader.want([...new Set(needs.map((each) => each.address))]);
    this.tell();
  }

  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = null;
    const { context, canvas, camera } = this;
    context.clearRect(0, 0, canvas.width, canvas.height);
    for (const pane of this.panes) {
      const layer = this.layers[pane.side];
      if (!layer) continue;
      context.save();
      context.beginPath();
      context.rect(pane.left, pane.top, pane.right - pane.left, pane.bottom - pane.top);
      context.clip();
      context.translate(...pane.corner);
      layer.draw(context, this.viewOf(layer), camera.room);
      context.restore();
    }
    this.label();
    this.tell();
  }

  label() {
    const { camera, stage, ratio, panes } = this;
    this.shown.value = `${percent(camera.scale)} %`;
    stage.classList.toggle("whole", camera.isWhole);
    stage.classList.toggle("held", this.isHeld);
    stage.style.setProperty("--split", this.split);
    const isWholeA = panes.every((pane) => pane.side === "a" || pane.left === pane.right);
    this.tags.a.classList.toggle("away", !this.layers.a);
    if (this.layers.a) placeTag(this.tags.a, isWholeA ? { ...panes[0], right: this.canvas.width } : panes[0], ratio, false);
    const last = isWholeA ? { left: 0, right: 0, top: 0 } : panes[1];
    placeTag(this.tags.b, last, ratio, this.mode === "line");
    const { left, top, scale } = camera.view;
    const numbers = [left, top, camera.image[0] * scale, camera.image[1] * scale];
    stage.dataset.place = numbers.map((each) => each / ratio).join(" ");
  }

  // Say that something is loading, once that takes long, or why it does not.
  tell() {
    const isLoading = Boolean(this.asking || this.frame) || this.loader.isLoading;
    this.stage.setAttribute("aria-busy", String(isLoading));
    if (!isLoading) {
      clearTimeout(this.saying);
      this.saying = null;
      this.loading.hidden = true;
    }
    this.saying ??= isLoading ? setTimeout(() => (this.loading.hidden = false), LOADING_MILLISECONDS) : null;
    const found = this.loader.problem("");
    const then = found?.isFinal ? "" : "; trying again";
    this.problem.hidden = !found;
    const text = found ? `Not everything is shown: ${found.message}${then}` : "";
    if (this.problem.textContent !== text) this.problem.textContent = text;
  }
}

// Small numbers need a digit more.
function percent(scale) {
  return Number((100 * scale).toPrecision(scale < 0.1 ? 2 : 3)).toFixed(scale < 0.1 ? 1 : 0).replace(/\.0$/, "");
}
