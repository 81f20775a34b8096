// Panes of a comparison: which side is drawn where, with a dividing line, side by side, or one alone.

export const MODES = ["line", "beside"];

// Return the panes of a mode in a room: for each a side ("a" or "b"), its box, and the corner of the room
// that its view starts at.
export function panes(mode, [width, height], split, isHeld, hasA) {
  const pane = (side, left, top, right, bottom, corner = [0, 0]) => ({ side, left, top, right, bottom, corner });
  if (mode === "beside" && hasA) {
    const [across, down] = viewRoom(mode, [width, height]);
    const corner = across < width ? [width - across, 0] : [0, height - down];
    return [
      pane("a", 0, 0, across, down),
      pane(isHeld ? "a" : "b", ...corner, width, height, corner),
    ];
  }
  const line = !hasA ? 0 : isHeld ? width : Math.round(split * width);
  return [pane("a", 0, 0, line, height), pane("b", line, 0, width, height)];
}

// Return the room that each side has in a mode.
export function viewRoom(mode, [width, height]) {
  if (mode !== "beside") return [width, height];
  return width >= height ? [Math.floor((width - 2) / 2), height] : [width, Math.floor((height - 2) / 2)];
}

// Put a side's tag into its pane; it is hidden where the pane has no room for it.
export function placeTag(tag, pane, ratio, isRight) {
  const margin = 10;
  const width = (pane.right - pane.left) / ratio;
  tag.style.setProperty("max-width", `${Math.max(0, width - 2 * margin)}px`);
  const isHidden = width < Math.min(tag.scrollWidth, 64) + 2 * margin;
  tag.classList.toggle("away", isHidden);
  tag.style.setProperty("top", `${pane.top / ratio + margin}px`);
  const left = isRight ? pane.right / ratio - tag.offsetWidth - margin : pane.left / ratio + margin;
  tag.style.setProperty("left", `${left}px`);
}
