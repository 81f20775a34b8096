// Image viewer: before and after on top of each other, zoomed and panned together, with a slider.

const MOST = 32;

export class Viewer {
  constructor(root) {
    const find = (id) => root.querySelector(`#${id}`);
    [this.stage, this.before, this.after, this.handle, this.split, this.shown] =
      ["stage", "before", "after", "handle", "split", "zoom"].map(find);
    this.pointers = new Map();
    this.scale = 1;
    this.left = 0;
    this.top = 0;
    this.width = this.height = 1;
    find("smaller").onclick = () => this.zoomBy(1 / 1.5);
    find("larger").onclick = () => this.zoomBy(1.5);
    find("fit").onclick = () => this.fit();
    find("full").onclick = () => this.zoomTo(1 / devicePixelRatio, ...this.middle());
    this.split.oninput = () => this.slideTo(this.split.value / 100);
    this.listen();
    new ResizeObserver(() => this.keepInside()).observe(this.stage);
  }

  // Show two images; width and height are those of the second, in pixels.
  async show(before, after, width, height) {
    this.width = width;
    this.height = height;
    this.before.src = before;
    this.after.src = after;
    for (const image of [this.before, this.after]) {
      image.width = width;
      image.height = height;
    }
    this.slideTo(0.5);
    this.fit();
    await Promise.all([this.before, this.after].map((image) => image.decode().catch(() => {})));
  }

  slideTo(part) {
    const place = Math.min(1, Math.max(0, part));
    this.stage.style.setProperty("--split", place);
    this.split.value = Math.round(100 * place);
  }

  fit() {
    const { clientWidth, clientHeight } = this.stage;
    this.scale = Math.min(clientWidth / this.width, clientHeight / this.height, 4);
    this.fitted = true;
    this.left = (clientWidth - this.width * this.scale) / 2;
    this.top = (clientHeight - this.height * this.scale) / 2;
    this.draw();
  }

  middle() {
    return [this.stage.clientWidth / 2, this.stage.clientHeight / 2];
  }

  zoomBy(factor, x = this.middle()[0], y = this.middle()[1]) {
    this.zoomTo(this.scale * factor, x, y);
  }

  // Zoom around the point (x, y), in pixels of the stage.
  zoomTo(scale, x, y) {
    const least = Math.min(this.stage.clientWidth / this.width, this.stage.clientHeight / this.height, 1) / 2;
    const wanted = Math.min(MOST, Math.max(least, scale));
    this.left = x - ((x - this.left) * wanted) / this.scale;
    this.top = y - ((y - this.top) * wanted) / this.scale;
    this.scale = wanted;
    this.fitted = false;
    this.keepInside();
  }

  moveBy(across, down) {
    this.left += across;
    this.top += down;
    this.fitted = false;
    this.keepInside();
  }

  // An image larger than the stage covers it; a smaller one stays inside.
  keepInside() {
    if (this.fitted) return this.fit();
    const { clientWidth, clientHeight } = this.stage;
    this.left = inside(this.left, this.width * this.scale, clientWidth);
    this.top = inside(this.top, this.height * this.scale, clientHeight);
    this.draw();
  }

  draw() {
    const place = `translate(${Math.round(this.left)}px, ${Math.round(this.top)}px) scale(${this.scale})`;
    for (const image of [this.before, this.after]) {
      image.style.setProperty("transform", place);
      image.classList.toggle("coarse", this.scale * devicePixelRatio >= 3);
    }
    this.shown.value = `${Math.round(100 * this.scale * devicePixelRatio)} %`;
  }

  listen() {
    const stage = this.stage;
    stage.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoomBy(Math.exp(-event.deltaY / 400), ...this.within(event));
    }, { passive: false });
    stage.addEventListener("pointerdown", (event) => this.press(event));
    stage.addEventListener("pointermove", (event) => this.drag(event));
    for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, (event) => this.release(event));
    stage.addEventListener("keydown", (event) => this.key(event));
  }

  within(event) {
    const box = this.stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  press(event) {
    if (event.button > 0) return;
    this.stage.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.within(event));
    this.sliding = event.target === this.handle && this.pointers.size === 1;
  }

  drag(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = this.within(event);
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.pointers.set(event.pointerId, now);
    if (this.sliding) this.slideTo(now[0] / this.stage.clientWidth);
    else if (other) this.pinch(before, now, other);
    else this.moveBy(now[0] - before[0], now[1] - before[1]);
  }

  pinch(before, now, other) {
    const apart = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]) || 1;
    const middle = (point) => [(point[0] + other[0]) / 2, (point[1] + other[1]) / 2];
    this.zoomBy(apart(now) / apart(before), ...middle(now));
    this.moveBy(middle(now)[0] - middle(before)[0], middle(now)[1] - middle(before)[1]);
  }

  release(event) {
    this.pointers.delete(event.pointerId);
    this.sliding = false;
  }

  key(event) {
    const step = 60;
    const acts = {
      ArrowLeft: () => this.moveBy(step, 0),
      ArrowRight: () => this.moveBy(-step, 0),
      ArrowUp: () => this.moveBy(0, step),
      ArrowDown: () => this.moveBy(0, -step),
      "+": () => this.zoomBy(1.5),
      "=": () => this.zoomBy(1.5),
      "-": () => this.zoomBy(1 / 1.5),
      0: () => this.fit(),
      1: () => this.zoomTo(1 / devicePixelRatio, ...this.middle()),
      "[": () => this.slideTo(this.split.value / 100 - 0.05),
      "]": () => this.slideTo(this.split.value / 100 + 0.05),
    };
    if (!(event.key in acts) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    acts[event.key]();
  }
}

function inside(start, length, room) {
  if (length <= room) return Math.min(room - length, Math.max(0, start));
  return Math.min(0, Math.max(room - length, start));
}
