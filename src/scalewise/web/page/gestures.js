// Gestures of the image viewer: mouse, fingers, wheel and keys, as calls of a viewer.

const LINE = 16; // pixels of a line, in which some browsers count the wheel
const HOLD_MILLISECONDS = 300;
const STILL = 8; // CSS pixels that a resting finger may move
const KEY_STEP = 60;
const WRITTEN = "select, textarea, input:not([type=radio]):not([type=range])";

export class Gestures {
  constructor(stage, handle, viewer) {
    Object.assign(this, { stage, handle, viewer });
    this.pointers = new Map();
    const on = (name, act, options) => stage.addEventListener(name, act.bind(this), options);
    on("wheel", this.wheel, { passive: false });
    on("pointerdown", this.press);
    on("pointermove", this.drag);
    on("pointerup", this.release);
    on("pointercancel", this.release);
    on("dblclick", this.doubleClick);
    document.addEventListener("keydown", (event) => this.isMeant(event) && this.key(event));
    document.addEventListener("keyup", (event) => this.keyUp(event));
    on("blur", () => viewer.hold(false));
    addEventListener("blur", () => viewer.hold(false));
    // A browser would scroll the page with two fingers where it may with one.
    on("touchmove", (event) => event.touches.length > 1 && event.cancelable && event.preventDefault(), { passive: false });
    on("contextmenu", (event) => this.pointers.size && event.preventDefault());
  }

  within(event) {
    const box = this.stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  wheel(event) {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? LINE : 1);
    // Touchpads report two fingers moved apart as a wheel with Ctrl, in small numbers.
    this.viewer.zoomBy(Math.exp(-pixels / (event.ctrlKey ? 100 : 400)), this.within(event));
  }

  press(event) {
    if (event.button > 0) return;
    const point = this.within(event);
    this.stage.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, point);
    this.isSliding = event.target === this.handle && this.pointers.size === 1;
    this.start = point;
    this.stopHolding();
    if (event.pointerType === "mouse" || this.isSliding || this.pointers.size > 1) return;
    this.holding = setTimeout(() => this.viewer.hold(true), HOLD_MILLISECONDS);
  }

  drag(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = this.within(event);
    if (this.holding && distance(now, this.start) < STILL) return;
    this.stopHolding();
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.pointers.set(event.pointerId, now);
    if (this.isSliding) this.viewer.slideTo(now[0] / this.stage.clientWidth);
    else if (other) this.pinch(before, now, other);
    else this.viewer.moveBy(now[0] - before[0], now[1] - before[1]);
  }

  pinch(before, now, other) {
    const middle = (point) => [(point[0] + other[0]) / 2, (point[1] + other[1]) / 2];
    const [from, to] = [middle(before), middle(now)];
    this.viewer.moveBy(to[0] - from[0], to[1] - from[1]);
    this.viewer.zoomBy((distance(now, other) || 1) / (distance(before, other) || 1), to);
  }

  release(event) {
    this.pointers.delete(event.pointerId);
    this.isSliding = false;
    this.stopHolding();
  }

  stopHolding() {
    clearTimeout(this.holding);
    this.holding = 0;
    this.viewer.hold(false);
  }

  doubleClick(event) {
    if (event.target !== this.handle) this.viewer.toggleZoom(this.within(event));
  }

  // Keys are the image's own while it has the focus.  While nothing has it, or something else of the
  // viewer, they are, too, except those that scroll, choose or write there.
  isMeant({ target, key }) {
    if (target === this.stage) return true;
    const section = this.stage.closest("section");
    const isNear = target === document.body || section.contains(target);
    return isNear && Boolean(section.offsetParent) && !key.startsWith("Arrow") && !target.matches(WRITTEN);
  }

  key(event) {
    const { viewer } = this;
    const acts = {
      ArrowLeft: () => viewer.moveBy(KEY_STEP, 0),
      ArrowRight: () => viewer.moveBy(-KEY_STEP, 0),
      ArrowUp: () => viewer.moveBy(0, KEY_STEP),
      ArrowDown: () => viewer.moveBy(0, -KEY_STEP),
      "+": () => viewer.step(true),
      "=": () => viewer.step(true),
      "-": () => viewer.step(false),
      0: () => viewer.fit(),
      1: () => viewer.full(),
      b: () => viewer.hold(true),
      "[": () => viewer.slideTo(viewer.split - 0.05),
      "]": () => viewer.slideTo(viewer.split + 0.05),
    };
    if (!(event.key in acts) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    acts[event.key]();
  }

  keyUp(event) {
    if (event.key === "b") this.viewer.hold(false);
  }
}

const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
