// Numbers in words.

export function bytes(count) {
  if (count < 1e3) return `${count} bytes`;
  if (count < 1e6) return `${Math.round(count / 1e3)} KB`;
  return `${(count / 1e6).toFixed(count < 1e7 ? 1 : 0)} MB`;
}

export function duration(seconds) {
  if (seconds < 1) return "less than a second";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return `${Math.round(seconds / 60)} min`;
}

// The time that is left: "about less than a second" would be odd.
export function timeLeft(seconds) {
  return seconds < 1 ? "less than a second left" : `about ${duration(seconds)} left`;
}

export function size(width, height) {
  return `${width} × ${height}`;
}

export function network(view) {
  return view.reason ? `${view.model} (${view.reason})` : view.model;
}
