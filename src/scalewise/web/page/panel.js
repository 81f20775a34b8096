// Panel that tries a part of an image first: every suitable choice beside the original.

import { uploadOverviewOf } from "./api.js";
import { duration, size } from "./format.js";
import { arrange } from "./preview_layout.js";
import { PartFrame } from "./part_frame.js";
import { rulesOf } from "./tasks.js";
import { findUpload, preview } from "./uploads.js";

const OVERVIEW = 512;
const PAUSE = 120; // milliseconds that the frame rests before previews are asked for
const MOST_SCALE = 8; // of a preview
const LOOK_AGAIN = 4000;

export class Panel {
  // `acts`: start(image), startOthers(), waiting() with the images that it would start, isUnderway(image),
  // changed() after opening and closing, dismissed(image) when users close it.
  constructor(root, template, form, settings, acts) {
    Object.assign(this, { root, template, form, settings, acts });
    this.find = (id) => root.querySelector(`#${id}`);
    this.frame = new PartFrame(root, () => this.fetchNew());
    this.original = this.find("original").querySelector("canvas");
    this.image = this.view = this.sizeShown = this.asked = null;
    this.cards = [];
    new ResizeObserver(() => this.arrange()).observe(this.find("tried"));
    this.find("panel-close").onclick = () => this.dismiss();
    this.find("start-others").onclick = () => acts.startOthers();
    this.find("panel-start").onclick = () => this.start();
    this.find("panel-strength").oninput = (event) => settings.set({ strength: event.target.value });
    this.find("own").onchange = (event) => settings.separate(event.target.checked);
  }

  get isOpen() {
    return !this.root.hidden;
  }

  // Open the panel for an image of the queue, which sends it.
  open(image) {
    if (this.image === image) return;
    this.leave();
    this.image = image;
    this.root.hidden = false;
    this.root.classList.add("empty");
    this.find("panel-name").textContent = image.name;
    this.find("panel-problem").hidden = true;
    this.settings.look(image);
    this.acts.changed();
    this.follow();
  }

  // Take over what the queue has learnt of the image; called at each of its changes.
  follow() {
    const { image } = this;
    if (!image) return;
    if (image.isRemoved || image.leaving) return this.close();
    this.drawStart();
    this.drawWaiting();
    if (this.view) return;
    if (image.upload) return this.asked ? null : this.fetchAll();
    const state = image.state === "sending" ? `Sending, ${Math.round(100 * image.sent)} %` : "To be sent";
    this.tell(image.problem || state);
  }

  // Show what can be done, at the size of the settings.
  show(view, sizes) {
    const isFirst = !this.view;
    const names = ({ choices }) => choices.map(({ task }) => task).join();
    const isOther = isFirst || names(view) !== names(this.view);
    this.view = view;
    this.sizeShown = sizes;
    this.root.classList.remove("empty");
    this.tell(facts(view));
    if (isOther) {
      this.cards = view.choices.map(() => this.make());
      this.find("choices").replaceChildren(...this.cards.map((card) => card.button));
    }
    this.cards.forEach((card, index) => this.fill(card, view.choices[index]));
    if (isFirst) this.frame.show(uploadOverviewOf(view.id, OVERVIEW), view.width, view.height);
    if (isFirst && same(sizes, this.sizeChosen)) this.asked = this.needs; // these are under way
    this.draw();
  }

  make() {
    const button = this.template.content.firstElementChild.cloneNode(true);
    const card = { button, canvas: button.querySelector("canvas"), full: null, none: null };
    button.onclick = () => this.settings.set({ task: card.choice.task });
    return card;
  }

  fill(card, choice) {
    card.choice = choice;
    const { width, height } = this.view;
    const write = (name, text) => (card.button.querySelector(name).textContent = text);
    write(".title", choice.title);
    write(".sizes", `${size(width, height)} → ${size(choice.out_width, choice.out_height)}`);
    write(".time", time(choice));
    card.button.querySelector(".time").classList.toggle("failed", choice.exceeds_limit);
    write(".mark", choice.recommended ? "Suggested" : "");
    card.button.title = choice.explanation;
  }

  // The card of the chosen task; that of the server's first task, which decides by itself, is what
  // it would decide.
  get chosen() {
    const { task } = this.form.offered(this.settings.values);
    return this.cards.find((card) => card.choice.task === task) ?? this.cards.find((card) => card.choice.recommended);
  }

  get strength() {
    return Number(this.settings.values.strength) / 100;
  }

  // The size of what enlarges, as the server takes it.
  get sizeChosen() {
    const { size: chosen, width } = this.settings.values;
    if (chosen !== "width") return { scale: chosen };
    return /^[1-9]\d*$/.test(width) ? { width } : {};
  }

  // Draw everything that depends on the settings; the server is asked only for what is new in them.
  draw() {
    this.find("own").checked = this.settings.isOwn;
    if (!this.view) return;
    const values = this.form.offered(this.settings.values);
    const { chosen } = this;
    const { hasStrength } = rulesOf(chosen?.choice.task);
    this.find("panel-strength").value = values.strength;
    this.find("panel-strength").disabled = !hasStrength;
    this.find("panel-strength-shown").value = hasStrength ? `${values.strength} %` : "–";
    for (const card of this.cards) {
      card.button.setAttribute("aria-pressed", String(card === chosen));
      this.paint(card);
    }
    this.find("plan").textContent = chosen?.choice.explanation ?? "";
    this.fetchNew();
  }

  // Mix the two ends of the strength; this needs no new run.
  paint(card) {
    if (!card.full) return;
    const strength = card.none && rulesOf(card.choice.task).hasStrength ? this.strength : 1;
    mix(card.canvas, card.none, card.full, strength);
  }

  // What is asked of the server depends on this alone; moving the slider asks once.
  get needs() {
    return JSON.stringify([this.sizeChosen, this.strength < 1, this.frame.part]);
  }

  fetchNew() {
    clearTimeout(this.timer);
    if (this.image && this.needs !== this.asked) this.timer = setTimeout(() => this.fetchAll(), PAUSE);
  }

  // Ask for the choices, and for the part as each of them restores it, the chosen one first.  A newer
  // call ends an older one.
  async fetchAll() {
    const { image } = this;
    if (!image?.upload) return;
    this.fetching?.abort();
    clearTimeout(this.timesTimer);
    this.fetching = new AbortController();
    const { signal } = this.fetching;
    this.asked = this.needs;
    this.root.classList.add("fetching");
    try {
      await this.fetchChoices(image, signal);
      const { part } = this.frame;
      this.fade(part);
      await this.fetchOriginal(part, signal);
      const { chosen } = this;
      const cards = [...this.cards].sort((one, other) => (other === chosen) - (one === chosen));
      for (const card of cards) await this.fetchCard(card, part, signal);
      this.find("panel-problem").hidden = true;
      if (this.cards.some(({ choice }) => choice.seconds === null)) this.fetchTimes();
    } catch (problem) {
      if (!signal.aborted) this.complain(problem);
    }
    if (!signal.aborted) this.root.classList.remove("fetching");
  }

  async fetchChoices(image, signal) {
    const sizes = this.sizeChosen;
    if (this.view && same(this.sizeShown, sizes)) return;
    const view = await findUpload(image.upload.id, sizes, signal);
    if (signal.aborted) return;
    if (!view) throw new Error("the server no longer has this image; choose it again");
    this.show(view, sizes);
  }

  // The server measures each model once; then it knows the times.
  fetchTimes() {
    this.timesTimer = setTimeout(() => {
      this.sizeShown = null;
      this.fetchAll();
    }, LOOK_AGAIN);
  }

  // Fade what does not show this part.
  fade(part) {
    this.arrange();
    for (const canvas of this.find("tried").querySelectorAll("canvas")) {
      canvas.classList.toggle("stale", canvas.dataset.part !== nameOf(part));
    }
  }

  // All previews have the same size: the largest one's pixels, each on one or more of the screen.
  arrange() {
    if (!this.view) return;
    const tried = this.find("tried");
    const { part } = this.frame;
    const most = Math.max(...this.cards.map(({ choice }) => this.timesOf(choice)));
    const [width, height] = [part.width * most, part.height * most].map(Math.round);
    const count = this.cards.length + !this.find("original").hidden;
    const box = tried.getBoundingClientRect();
    const room = { width: box.width, height: innerHeight - box.top - scrollY };
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const around = { width: 1.15 * rem, height: 6.5 * rem, gap: 0.7 * rem };
    const { columns, times } = arrange({ width, height, count }, room, around, devicePixelRatio);
    tried.style.setProperty("--columns", columns);
    tried.style.setProperty("--wide", `${(times * width) / devicePixelRatio}px`);
    tried.style.setProperty("--high", `${(times * height) / devicePixelRatio}px`);
    for (const card of this.cards) card.button.querySelector(".zoom").textContent = zoom((times * most) / this.timesOf(card.choice));
    this.original.nextElementSibling.lastElementChild.textContent = [size(part.width, part.height), zoom(times * most)].filter(Boolean).join(", ");
  }

  timesOf({ out_width: width }) {
    return Math.min(MOST_SCALE, width / this.view.width);
  }

  async fetchCard(card, part, signal) {
    const isMixed = this.strength < 1 && rulesOf(card.choice.task).hasStrength;
    const full = await preview(this.view.id, this.query(card, part, 1), signal);
    const none = isMixed ? await preview(this.view.id, this.query(card, part, 0), signal) : null;
    if (signal.aborted) return;
    Object.assign(card, { full, none });
    this.paint(card);
    finish(card.canvas, part, `After: ${card.choice.title}`);
  }

  query({ choice }, part, strength) {
    const scale = rulesOf(choice.task).keepsSize ? {} : { scale: this.timesOf(choice) };
    return { task: choice.task, ...scale, strength, ...part };
  }

  // What keeps the size and is not applied at all is the original.
  async fetchOriginal(part, signal) {
    const keeps = ({ choice }) => rulesOf(choice.task).keepsSize && rulesOf(choice.task).hasStrength;
    const card = this.cards.find(keeps);
    this.find("original").hidden = !card;
    this.arrange();
    if (!card) return;
    const bitmap = await preview(this.view.id, this.query(card, part, 0), signal);
    if (signal.aborted) return;
    mix(this.original, null, bitmap, 1);
    finish(this.original, part, "Before");
  }

  tell(text) {
    this.find("panel-facts").textContent = text;
  }

  complain(problem) {
    this.root.classList.remove("fetching");
    this.tell(this.view ? facts(this.view) : "");
    this.find("panel-problem").textContent = `This cannot be tried: ${problem.message}.`;
    this.find("panel-problem").hidden = false;
  }

  start() {
    this.acts.start(this.image);
  }

  // While a result is on its way, another one with the same settings is hardly meant.
  drawStart() {
    const isUnderway = this.acts.isUnderway(this.image);
    this.find("panel-start").disabled = isUnderway;
    this.find("panel-start").textContent = isUnderway ? "Restoring …" : "Restore the whole image";
  }

  dismiss() {
    const { image } = this;
    this.close();
    this.acts.dismissed(image);
  }

  // Say which images the open panel keeps waiting.
  drawWaiting() {
    const { length } = this.acts.waiting();
    this.find("waiting").hidden = !length;
    const text = length === 1 ? "1 other image waits." : `${length} other images wait.`;
    if (this.find("waiting-count").textContent !== text) this.find("waiting-count").textContent = text;
    this.find("start-others").textContent = length === 1 ? "Start it" : "Start them";
  }

  close() {
    this.leave();
    this.root.hidden = true;
    this.settings.look(null);
    this.acts.changed();
  }

  leave() {
    this.fetching?.abort();
    clearTimeout(this.timer);
    clearTimeout(this.timesTimer);
    this.image = this.view = this.sizeShown = this.asked = null;
    this.cards = [];
  }
}

function time({ seconds, exceeds_limit: exceedsLimit }) {
  if (seconds === null) return "Time not known yet";
  if (exceedsLimit) return `About ${duration(seconds)}: more than this server allows`;
  return seconds < 1 ? "Less than a second" : `About ${duration(seconds)}`;
}

// At 100 % there is nothing to say.
function zoom(times) {
  const percent = Math.round(100 * times);
  return percent === 100 ? "" : `shown at ${percent} %`;
}

function facts(view) {
  const { sigma, has_pattern: hasPattern, codec, quality } = view.estimate;
  const seen = [
    codec === null ? "" : `${codec} quality ${quality}`,
    sigma >= 1 && !hasPattern ? `noise of about ${Math.round(sigma)} of 255 levels` : "",
  ].filter(Boolean);
  return [size(view.width, view.height), view.format.toUpperCase(), ...seen].join(" · ");
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const nameOf = ({ x, y, width, height }) => [x, y, width, height].join();

function finish(canvas, part, label) {
  canvas.dataset.part = nameOf(part);
  canvas.classList.remove("stale");
  canvas.setAttribute("aria-label", label);
}

// Draw `full` with a weight in [0, 1], and `none` with the rest of it, as the server mixes them.
function mix(canvas, none, full, weight) {
  if (canvas.width !== full.width || canvas.height !== full.height) {
    canvas.width = full.width;
    canvas.height = full.height;
  }
  const pen = canvas.getContext("2d");
  pen.globalCompositeOperation = "copy";
  pen.globalAlpha = none ? 1 - weight : 1;
  pen.drawImage(none ?? full, 0, 0);
  if (!none) return;
  pen.globalCompositeOperation = "lighter"; // adds opacities, too, which "source-over" would not
  pen.globalAlpha = weight;
  pen.drawImage(full, 0, 0);
}
