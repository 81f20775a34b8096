// Movable frame on the overview of an image, which chooses a part of it.

const SIDE = 96; // pixels of the image
const LEAST_SHOWN = 28; // CSS pixels: smaller ones cannot be hit by a finger

export class PartFrame {
  // `chosen` is called with each new part.
  constructor(root, chosen) {
    const find = (id) => root.querySelector(`#${id}`);
    [this.box, this.image, this.frame, this.place] = ["overview", "overview-image", "frame", "place"].map(find);
    this.chosen = chosen;
    this.width = this.height = SIDE;
    this.part = { x: 0, y: 0, width: SIDE, height: SIDE };
    this.listen();
    new ResizeObserver(() => this.draw()).observe(this.box);
  }

  // Show the overview of an image of this size, and the part in its middle, or a given one.
  show(source, width, height, part = null) {
    [this.width, this.height] = [width, height];
    this.image.src = source;
    this.image.width = width;
    this.image.height = height;
    this.box.parentElement.style.setProperty("--ratio", width / height);
    this.moveTo(...(part ? [part.x + part.width / 2, part.y + part.height / 2] : [width / 2, height / 2]));
  }

  // Move the part's middle to a point of the image, as far as the part stays inside.
  moveTo(x, y) {
    const [width, height] = [Math.min(SIDE, this.width), Math.min(SIDE, this.height)];
    this.middle = [inside(x, width, this.width), inside(y, height, this.height)];
    const left = Math.round(this.middle[0] - width / 2);
    const top = Math.round(this.middle[1] - height / 2);
    const moved = { x: left, y: top, width, height };
    const isNew = Object.keys(moved).some((name) => moved[name] !== this.part[name]);
    this.part = moved;
    this.draw();
    if (isNew) this.chosen(moved);
  }

  draw() {
    const scale = this.image.clientWidth / this.width || 0;
    const { x, y, width, height } = this.part;
    const shown = [width, height].map((side) => Math.max(LEAST_SHOWN, side * scale));
    const style = this.frame.style;
    style.setProperty("left", `${(x + width / 2) * scale - shown[0] / 2}px`);
    style.setProperty("top", `${(y + height / 2) * scale - shown[1] / 2}px`);
    style.setProperty("width", `${shown[0]}px`);
    style.setProperty("height", `${shown[1]}px`);
    this.place.textContent = `${width} × ${height} pixels\nfrom ${x}, ${y}`;
  }

  listen() {
    const follow = (event) => {
      const box = this.image.getBoundingClientRect();
      const scale = box.width / this.width || 1;
      this.moveTo((event.clientX - box.left) / scale, (event.clientY - box.top) / scale);
    };
    this.box.addEventListener("pointerdown", (event) => {
      if (event.button > 0) return;
      event.preventDefault();
      this.box.setPointerCapture(event.pointerId);
      this.frame.focus({ preventScroll: true });
      follow(event);
    });
    this.box.addEventListener("pointermove", (event) => {
      if (this.box.hasPointerCapture(event.pointerId)) follow(event);
    });
    this.frame.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    const step = event.shiftKey ? SIDE : SIDE / 4;
    const ways = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    const way = ways[event.key];
    if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.moveTo(this.middle[0] + way[0], this.middle[1] + way[1]);
  }
}

// Return the middle of a span of this length that lies inside [0, most].
function inside(middle, length, most) {
  return Math.min(most - length / 2, Math.max(length / 2, middle));
}
