// Form of the settings: its fields, their errors, and what the server offers in them.

import { problems, resultName } from "./settings.js";
import { defaultTask, isTask, rulesOf, setTasks } from "./tasks.js";

const FIELDS = ["task", "size", "width", "strength", "format", "quality", "names"];

export class SettingsForm {
  constructor(form, settings) {
    this.find = (name) => form.querySelector(`#${name}`);
    this.settings = settings;
    this.formats = new Map();
    form.onsubmit = (event) => event.preventDefault();
    form.oninput = (event) => this.read(event.target);
  }

  // Fill the lists with the tasks and the formats that the server has.
  offer(tasks, formats) {
    setTasks(tasks);
    this.find("task").replaceChildren(...tasks.map((task) => new Option(task.title, task.name)));
    const written = formats.filter((format) => format.writes);
    const valueOf = (format) => format.name.toLowerCase();
    this.formats = new Map(written.map((format) => [valueOf(format), format]));
    const own = this.find("format").options[0];
    this.find("format").replaceChildren(own, ...written.map((format) => new Option(format.name, valueOf(format))));
    this.draw();
  }

  read(field) {
    if (field.id === "start") this.settings.set({ start: field.checked });
    else if (FIELDS.includes(field.id)) this.settings.set({ [field.id]: field.value.trim() });
  }

  // Return values with those replaced that this server does not offer.
  offered(values) {
    const task = isTask(values.task) ? values.task : defaultTask();
    return { ...values, task, format: this.formats.has(values.format) ? values.format : "" };
  }

  // Return what the chosen task and format allow.
  rules(values) {
    const format = this.formats.get(values.format);
    return { ...rulesOf(values.task), hasQuality: format?.quality !== null };
  }

  draw() {
    this.find("whose").textContent = this.settings.isOwn ? "for this image only" : "";
    const values = this.offered(this.settings.values);
    const rules = this.rules(values);
    for (const name of FIELDS) {
      // A field that is being typed in keeps its text, spaces included.
      if (this.find(name).value.trim() !== values[name]) this.find(name).value = values[name];
    }
    this.find("start").checked = values.start;
    this.find("size").disabled = rules.keepsSize;
    this.find("width").parentElement.hidden = values.size !== "width" || rules.keepsSize;
    this.find("strength").disabled = !rules.hasStrength;
    this.find("strength-shown").value = rules.hasStrength ? `${values.strength} %` : "–";
    this.find("quality").disabled = !rules.hasQuality;
    this.find("hint").textContent = rules.description;
    this.complain(problems(values, rules));
    this.find("digest").textContent = this.digest(rules);
    this.find("names-shown").textContent = `For example: photo.jpg becomes ${resultName(values, rules, this.formats, "photo.jpg")}`;
  }

  // What is most asked for, where the fields are folded away.
  digest({ keepsSize }) {
    const textOf = (name) => this.find(name).selectedOptions[0]?.text ?? "";
    const { size, width } = this.settings.values;
    const sizeText = size === "width" ? `${width || "?"} pixels wide` : textOf("size");
    return [textOf("task"), ...(keepsSize ? [] : [sizeText])].filter(Boolean).join(", ");
  }

  complain(found) {
    for (const name of ["width", "quality", "names"]) {
      const problem = found[name] ?? "";
      this.find(name).toggleAttribute("aria-invalid", Boolean(problem));
      if (problem) this.find(name).setAttribute("aria-invalid", "true");
      this.find(`${name}-problem`).textContent = problem;
    }
    this.find("names-shown").hidden = Boolean(found.names);
  }

  // Return whether values can be sent; otherwise move to the first field that is wrong.
  check(values) {
    const [wrong] = Object.keys(problems(values, this.rules(values)));
    if (wrong) this.find(wrong).closest("details")?.setAttribute("open", "");
    if (wrong) this.find(wrong).focus();
    return !wrong;
  }
}
