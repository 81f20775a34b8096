// Sizes of the previews of a part: whole multiples of the screen's pixels, in as many columns as fit.

const LEAST_SHOWN = 160; // CSS pixels; what is smaller is hard to judge
const MOST_TIMES = 4;
const LEAST_PART = 0.85; // of a preview's width that a card shows where columns would not fit otherwise
const LEAST_PART_ALONE = 0.7; // on windows with room for one column only
const MORE_HEIGHT = 1.3; // the page may scroll that far

// Return {columns, times}: each pixel of the largest previews, of `width` x `height` pixels, is shown on `times` x
// `times` pixels of the screen.  `room` has the CSS pixels there are, `around` those that a card has
// besides its preview, between and below.
export function arrange({ width, height, count }, room, around, ratio) {
  const columnsOf = (times, part) => {
    const card = (part * times * width) / ratio + around.width;
    return Math.min(count, Math.floor((room.width + around.gap) / (card + around.gap)));
  };
  const rows = (columns) => Math.ceil(count / columns);
  const columns = (times) => {
    const whole = Math.max(1, columnsOf(times, 1));
    const cut = whole > 1 ? columnsOf(times, LEAST_PART) : Math.min(2, columnsOf(times, LEAST_PART_ALONE));
    return rows(cut) < rows(whole) ? cut : whole;
  };
  const heightOf = (times) => rows(columns(times)) * ((times * height) / ratio + around.height + around.gap);
  let times = Math.max(1, Math.ceil((LEAST_SHOWN * ratio) / width));
  while (times < MOST_TIMES && columnsOf(times + 1, LEAST_PART) > 1 && heightOf(times + 1) <= MORE_HEIGHT * room.height) times += 1;
  return { columns: columns(times), times };
}
