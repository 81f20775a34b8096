// Part of an image that a room shows.  All lengths are device pixels, so that at scale 1 one pixel of the
// image is one pixel of the screen.

const MOST = 32;
const STEPS = [1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 3, 4, 6, 8, 12, 16, 24, MOST];
const MOST_FITTED = 4; // in CSS pixels: beyond that, small images are only squares
const NEARLY = 1.001;

export class Camera {
  constructor() {
    this.ratio = 1; // device pixels per CSS pixel
    this.room = [1, 1];
    this.image = [1, 1];
    this.place = [0, 0]; // the image's corner
    this.scale = 1;
    this.isFitted = true;
  }

  // Change the room; what is in its middle stays there.
  setRoom(width, height, ratio) {
    const middle = this.middle();
    this.ratio = ratio;
    this.room = [width, height];
    this.look(middle);
  }

  // Change the image; the part in the middle stays there, at the same zoom.  With `keepsExtent` it stays as
  // large on the screen, too: for other results of one upload, which may have another size.
  setImage(width, height, keepsExtent) {
    const middle = this.middle();
    if (keepsExtent) this.scale = Math.min(MOST, (this.scale * this.image[0]) / width);
    this.image = [width, height];
    this.look(middle);
  }

  // Return the point of the image in the room's middle, as parts of its width and height.
  middle() {
    return this.image.map((side, axis) => (this.room[axis] / 2 - this.place[axis]) / (side * this.scale));
  }

  look(middle) {
    this.place = this.image.map((side, axis) => this.room[axis] / 2 - middle[axis] * side * this.scale);
    this.keepInside();
  }

  get fitting() {
    return Math.min(this.room[0] / this.image[0], this.room[1] / this.image[1]);
  }

  fit() {
    this.isFitted = true;
    this.scale = Math.min(this.fitting, MOST_FITTED * this.ratio);
    this.place = this.image.map((side, axis) => (this.room[axis] - side * this.scale) / 2);
  }

  // Zoom around a point of the room.
  zoomTo(scale, point = this.room.map((side) => side / 2)) {
    const wanted = Math.min(MOST, Math.max(Math.min(this.fitting, 1) / 2, scale));
    this.place = this.place.map((start, axis) => point[axis] - ((point[axis] - start) * wanted) / this.scale);
    this.scale = wanted;
    this.isFitted = false;
    this.keepInside();
  }

  // Zoom to the next round number.
  step(isLarger) {
    const wanted = isLarger
      ? STEPS.find((scale) => scale > this.scale * NEARLY)
      : STEPS.findLast((scale) => scale * NEARLY < this.scale);
    this.zoomTo(wanted ?? this.scale);
  }

  moveBy(across, down) {
    this.place = [this.place[0] + across, this.place[1] + down];
    this.isFitted = false;
    this.keepInside();
  }

  // An image larger than the room covers it; a smaller one stays inside.
  keepInside() {
    if (this.isFitted) return this.fit();
    this.place = this.place.map((start, axis) => inside(start, this.image[axis] * this.scale, this.room[axis]));
  }

  // True if there is nothing to move.
  get isWhole() {
    return this.image.every((side, axis) => side * this.scale <= this.room[axis] + 1);
  }

  // Corner and scale to draw with: the corner lies on a pixel of the screen.
  get view() {
    const [left, top] = this.place.map(Math.round);
    return { left, top, scale: this.scale };
  }
}

function inside(start, length, room) {
  if (length <= room) return Math.min(room - length, Math.max(0, start));
  return Math.min(0, Math.max(room - length, start));
}
