// One image of a comparison: which of its tiles a view needs, and how they are drawn.

const TILE = 512; // pixels of a tile
const MOST_PIXELS = 24e6; // of tiles in one view
const CHECKS = 8; // CSS pixels of a square behind transparent images
const LAST = 1e9;
const ENOUGH = 0.8; // a smaller version with this part of the pixels needed is as good

export class Layer {
  // `image`: width, height, overview(size) and region(x, y, width, height, scale), which return addresses.
  constructor(image, loader) {
    Object.assign(this, image);
    this.loader = loader;
    this.size = 1024;
  }

  // Return the addresses for a view ({ left, top, scale }) into a room, each with its rank.
  needs(view, room) {
    if (view.scale < 0.5 && Math.max(...room) > 1100) this.size = 2048;
    const tiles = this.tiles(this.level(view, room), view, room);
    const small = { address: this.overview(this.size), rank: tiles.length && view.scale >= 0.5 ? LAST : -1 };
    return [small, ...tiles.map(({ address, rank }) => ({ address, rank }))];
  }

  // Pixels of a tile per pixel of the image: 1, 0.5, or 0 where the overview is enough, or has to be.
  level(view, room) {
    if (view.scale > 0.5 && this.area(1, view, room) <= MOST_PIXELS) return 1;
    if (view.scale >= 0.5) return 0.5;
    const small = this.loader.get(this.overview(this.size));
    const isEnough = !small || small.width / this.width >= ENOUGH * view.scale;
    return isEnough || this.area(0.5, view, room) > MOST_PIXELS ? 0 : 0.5;
  }

  // Return the part of the image that is in the room.
  visible(view, room) {
    const clip = (value, most) => Math.min(most, Math.max(0, value));
    const [left, right] = [-view.left, room[0] - view.left].map((x) => clip(x / view.scale, this.width));
    const [top, bottom] = [-view.top, room[1] - view.top].map((y) => clip(y / view.scale, this.height));
    return { left, top, right, bottom };
  }

  area(level, view, room) {
    const { left, top, right, bottom } = this.visible(view, room);
    return (right - left) * (bottom - top) * level ** 2;
  }

  // Return the tiles of a level that are in the room; their rank is the distance to its middle.
  tiles(level, view, room) {
    const seen = this.visible(view, room);
    if (!level || seen.left >= seen.right || seen.top >= seen.bottom) return [];
    const side = TILE / level;
    const tiles = [];
    for (let y = Math.floor(seen.top / side) * side; y < seen.bottom; y += side) {
      for (let x = Math.floor(seen.left / side) * side; x < seen.right; x += side) {
        const width = Math.min(side, this.width - x);
        const height = Math.min(side, this.height - y);
        const rank = Math.hypot(x + width / 2 - (seen.left + seen.right) / 2, y + height / 2 - (seen.top + seen.bottom) / 2);
        tiles.push({ x, y, width, height, rank, address: this.region(x, y, width, height, level) });
      }
    }
    return tiles;
  }

  // Draw what has arrived: coarse first, so that nothing is empty for long.
  draw(context, view, room) {
    const whole = { x: 0, y: 0, width: this.width, height: this.height, address: this.overview(this.size) };
    const level = this.level(view, room);
    const levels = [0.5, 1].filter((each) => each <= level);
    for (const tile of [whole, ...levels.flatMap((each) => this.tiles(each, view, room))]) {
      const bitmap = this.loader.get(tile.address);
      if (bitmap) this.paint(context, bitmap, tile, view, room);
    }
  }

  // Tiles end on pixels of the screen, so that there are no seams between them.
  paint(context, bitmap, tile, view, room) {
    const onScreen = (x, y) => [Math.round(x * view.scale + view.left), Math.round(y * view.scale + view.top)];
    const start = onScreen(tile.x, tile.y);
    const end = onScreen(tile.x + tile.width, tile.y + tile.height);
    const size = [end[0] - start[0], end[1] - start[1]];
    const shown = [Math.max(0, start[0]), Math.max(0, start[1]), Math.min(room[0], end[0]), Math.min(room[1], end[1])];
    const zoom = size[0] / bitmap.width;
    const isExact = tile.width === bitmap.width;
    context.imageSmoothingEnabled = !isExact || (zoom < 2 && zoom !== 1);
    context.imageSmoothingQuality = zoom < 1 ? "high" : "low";
    context.save();
    context.beginPath();
    context.rect(shown[0], shown[1], shown[2] - shown[0], shown[3] - shown[1]);
    context.clip();
    context.fillStyle = checks(context);
    context.fillRect(0, 0, ...room);
    context.drawImage(bitmap, ...start, ...size);
    context.restore();
  }
}

let pattern = null;

// Return the pattern behind transparent images.
function checks(context) {
  const side = Math.round(CHECKS * devicePixelRatio);
  if (pattern?.side === side) return pattern.brush;
  const small = new OffscreenCanvas(2 * side, 2 * side);
  const brush = small.getContext("2d");
  brush.fillStyle = "#fff";
  brush.fillRect(0, 0, 2 * side, 2 * side);
  brush.fillStyle = "#ccc";
  brush.fillRect(0, 0, side, side);
  brush.fillRect(side, side, side, side);
  pattern = { side, brush: context.createPattern(small, "repeat") };
  return pattern.brush;
}
