// Panel that tries a part of an image first: every suitable choice beside the original.

import { duration, size } from "./format.js";
import { PartFrame } from "./part_frame.js";
import { rulesOf } from "./tasks.js";
import { findUpload, overviewOf, preview } from "./uploads.js";

const OVERVIEW = 512;
const PAUSE = 120; // milliseconds that the frame rests before previews are asked for
const MOST_SCALE = 8; // of a preview

export class Panel {
  // `acts`: start(image), isUnderway(image), changed() after opening and closing.
  constructor(root, template, form, settings, acts) {
    Object.assign(this, { root, template, form, settings, acts });
    this.find = (id) => root.querySelector(`#${id}`);
    this.frame = new PartFrame(root, () => this.fetchSoon());
    this.original = this.find("original").querySelector("canvas");
    this.image = this.view = null;
    this.cards = [];
    this.find("panel-close").onclick = () => this.close();
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
  async follow() {
    const { image } = this;
    if (!image) return;
    if (image.isRemoved) return this.close();
    this.drawStart();
    if (this.view || this.isAsked) return;
    if (!image.upload) return this.tell(image.problem || (image.state === "sending" ? `Sending, ${Math.round(100 * image.sent)} %` : "To be sent"));
    this.isAsked = true;
    try {
      const view = image.upload.choices ? image.upload : await findUpload(image.upload.id);
      if (this.image !== image) return;
      if (view) this.show(view);
      else this.complain(new Error("the server no longer has this image; choose it again"));
    } catch (problem) {
      if (this.image === image) this.complain(problem);
    }
  }

  show(view) {
    this.view = view;
    this.root.classList.remove("empty");
    this.tell(facts(view));
    this.cards = view.choices.map((choice) => this.make(choice));
    this.find("choices").replaceChildren(...this.cards.map((card) => card.button));
    this.frame.show(overviewOf(view.id, OVERVIEW), view.width, view.height);
    this.draw();
  }

  make(choice) {
    const button = this.template.content.firstElementChild.cloneNode(true);
    button.querySelector(".title").textContent = choice.title;
    button.querySelector(".mark").textContent = choice.recommended ? "Suggested" : "";
    button.title = choice.explanation;
    const card = { choice, button, canvas: button.querySelector("canvas"), full: null, none: null };
    button.onclick = () => this.settings.set({ task: choice.task });
    return card;
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

  // How many times as large a card's result will be, by the settings.
  scaleOf({ choice }) {
    const { size: chosen, width } = this.settings.values;
    if (rulesOf(choice.task).keepsSize) return 1;
    const scale = Number(chosen) || Number(width) / this.view.width;
    return scale > 0 ? scale : choice.scale;
  }

  // Draw everything that depends on the settings; the server is asked only for what is new in them.
  draw() {
    if (!this.isOpen || !this.view) return;
    const values = this.form.offered(this.settings.values);
    const { chosen } = this;
    const { hasStrength } = rulesOf(chosen?.choice.task);
    this.find("own").checked = this.settings.isOwn;
    this.find("panel-strength").value = values.strength;
    this.find("panel-strength").disabled = !hasStrength;
    this.find("panel-strength-shown").value = hasStrength ? `${values.strength} %` : "–";
    for (const card of this.cards) {
      card.button.setAttribute("aria-pressed", String(card === chosen));
      this.measure(card);
      this.paint(card);
    }
    this.find("plan").textContent = chosen?.choice.explanation ?? "";
    this.fetchSoon();
  }

  measure(card) {
    const { width, height } = this.view;
    const { scale, seconds, out_width, out_height } = card.choice;
    const times = this.scaleOf(card);
    const isDefault = times === scale;
    const out = isDefault ? [out_width, out_height] : [width * times, height * times].map(Math.round);
    const about = seconds === null ? "time not known yet" : `about ${duration(seconds)}`;
    card.button.querySelector(".sizes").textContent = `${size(width, height)} → ${size(...out)}`;
    card.button.querySelector(".time").textContent = isDefault || seconds === null ? about : `${about} at ${scale} times`;
  }

  // Mix the two ends of the strength; this needs no new run.
  paint(card) {
    if (!card.full) return;
    const strength = card.none && rulesOf(card.choice.task).hasStrength ? this.strength : 1;
    mix(card.canvas, card.none, card.full, strength);
  }

  fetchSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.fetchAll(), PAUSE);
  }

  // Ask for the part as every choice restores it, the chosen one first; a newer call ends an older one.
  async fetchAll() {
    if (!this.view || !this.isOpen) return;
    this.fetching?.abort();
    this.fetching = new AbortController();
    const { signal } = this.fetching;
    const { part } = this.frame;
    const { chosen } = this;
    const cards = [...this.cards].sort((one, other) => (other === chosen) - (one === chosen));
    this.root.classList.add("fetching");
    this.root.style.setProperty("--shape", `${part.width} / ${part.height}`);
    try {
      await this.fetchOriginal(part, signal);
      for (const card of cards) await this.fetchCard(card, part, signal);
      this.find("panel-problem").hidden = true;
      this.root.classList.remove("fetching");
    } catch (problem) {
      if (!signal.aborted) this.complain(problem);
    }
  }

  async fetchCard(card, part, signal) {
    const isMixed = this.strength < 1 && rulesOf(card.choice.task).hasStrength;
    const full = await preview(this.view.id, this.query(card, part, 1), signal);
    const none = isMixed ? await preview(this.view.id, this.query(card, part, 0), signal) : null;
    if (signal.aborted) return;
    Object.assign(card, { full, none });
    card.canvas.dataset.part = `${part.x},${part.y}`;
    card.canvas.setAttribute("aria-label", "The part after");
    this.paint(card);
  }

  query(card, part, strength) {
    const times = Math.min(MOST_SCALE, this.scaleOf(card));
    const scale = rulesOf(card.choice.task).keepsSize ? {} : { scale: times };
    return { task: card.choice.task, ...scale, strength, ...part };
  }

  // What keeps the size and is not applied at all is the original.
  async fetchOriginal(part, signal) {
    const keeps = ({ choice }) => rulesOf(choice.task).keepsSize && rulesOf(choice.task).hasStrength;
    const card = this.cards.find(keeps);
    this.find("original").hidden = !card;
    if (!card) return;
    const bitmap = await preview(this.view.id, this.query(card, part, 0), signal);
    if (signal.aborted) return;
    mix(this.original, null, bitmap, 1);
    this.original.dataset.part = `${part.x},${part.y}`;
    this.original.nextElementSibling.lastElementChild.textContent = `${size(part.width, part.height)} pixels, enlarged`;
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

  close() {
    this.leave();
    this.root.hidden = true;
    this.settings.look(null);
    this.acts.changed();
  }

  leave() {
    this.fetching?.abort();
    clearTimeout(this.timer);
    this.image = this.view = null;
    this.isAsked = false;
    this.cards = [];
  }
}

function facts(view) {
  const { sigma, jpeg_quality: quality } = view.estimate;
  const seen = [
    quality === null ? "" : `JPEG quality ${quality}`,
    sigma >= 1 ? `noise of about ${Math.round(sigma)} levels of 255` : "",
  ].filter(Boolean);
  return [size(view.width, view.height), view.format.toUpperCase(), ...seen].join(" · ");
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
