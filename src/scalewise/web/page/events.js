// Event stream of all jobs of the server.

const OPEN_AGAIN = 2000;

export class EventStream {
  // `heard` has `jobs(views)`, at each connection, `job(view)`, `gone(id)` and `broken()`.
  constructor(heard) {
    this.heard = heard;
    this.source = null;
    this.timer = null;
  }

  open() {
    if (this.source) return;
    clearTimeout(this.timer);
    this.since = Date.now();
    this.source = new EventSource("/v1/events");
    this.source.addEventListener("jobs", (event) => this.heard.jobs(JSON.parse(event.data), this.since));
    this.source.addEventListener("job", (event) => this.heard.job(JSON.parse(event.data)));
    this.source.addEventListener("gone", (event) => this.heard.gone(idIn(event.data)));
    this.source.onerror = () => this.fail();
  }

  close() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  // Browsers connect again by themselves, but not after an answer such as 503.
  fail() {
    this.close();
    this.heard.broken();
    this.timer = setTimeout(() => this.open(), OPEN_AGAIN);
  }
}

function idIn(data) {
  try {
    const parsed = JSON.parse(data);
    return parsed.id ?? parsed;
  } catch {
    return data;
  }
}
