// Numbers and states in words.

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

export function size(width, height) {
  return `${width} × ${height}`;
}

export function told(job) {
  const view = job.view;
  switch (job.state) {
    case "queued": return "To be sent";
    case "sending": return `Sending, ${Math.round(100 * job.sent)} %`;
    case "busy": return `The server is busy; trying again in ${job.retry} s`;
    case "waiting": return view.ahead ? `Waiting, ${view.ahead} before it` : "Next in line";
    case "running": return running(view);
    case "done": return done(view);
    case "cancelled": return "Cancelled";
    case "unreachable": return "The server does not answer; looking for it";
    default: return capital(job.problem.replace(`${job.name}: `, ""));
  }
}

function running(view) {
  const left = view.seconds_left;
  const eta = left === null ? "" : `, about ${duration(left)} left`;
  return `Working: ${Math.floor(100 * view.done)} %${eta}`;
}

function done(view) {
  return `${size(view.out_width, view.out_height)}, ${bytes(view.result_bytes)}, ` +
    `by ${network(view)}, in ${duration(view.seconds)}`;
}

export function network(view) {
  return view.reason ? `${view.model} (${view.reason})` : view.model;
}

function capital(text) {
  return text ? text[0].toUpperCase() + text.slice(1) : "It failed";
}
