// Settings: the values of the form, remembered by the browser, and for single images where the
// user wants it.

const STORED = "scalewise-settings";
const MOST_PIXELS = 1_000_000;
const DEFAULTS = { task: "", size: "2", width: "3840", strength: "100", format: "", quality: "", names: "", start: true };

// What one image may have of its own.
const PER_IMAGE = ["task", "size", "width", "strength", "format", "quality"];

export class Settings {
  // `changed` is called after each change of the current values, `keep(image)` after one of those
  // that an image has of its own, in `image.settings`.
  constructor(changed, keep) {
    this.changed = changed;
    this.keep = keep;
    this.shared = { ...DEFAULTS, ...load() };
    this.image = null;
  }

  // Whose values are shown: an image's, or with null those of all others.
  look(image) {
    this.image = image;
    this.changed();
  }

  get isOwn() {
    return Boolean(this.image?.settings);
  }

  get values() {
    return this.of(this.image);
  }

  of(image) {
    return { ...this.shared, ...image?.settings };
  }

  set(values) {
    const own = this.image?.settings;
    for (const [name, value] of Object.entries(values)) {
      if (own && PER_IMAGE.includes(name)) own[name] = value;
      else this.shared[name] = value;
    }
    this.save();
  }

  // Separate the current image's values from those of all others, or join them again.
  separate(isOwn) {
    const { image, values } = this;
    if (image) image.settings = isOwn ? Object.fromEntries(PER_IMAGE.map((name) => [name, values[name]])) : null;
    this.save();
  }

  save() {
    store(this.shared);
    if (this.image) this.keep(this.image);
    this.changed();
  }
}

// Return what is wrong with values, by the field's name; `rules` are those of the task.
export function problems(values, rules) {
  const found = {};
  if (!rules.keepsSize && values.size === "width" && !isWhole(values.width, MOST_PIXELS)) {
    found.width = "Enter a width in pixels: a whole number from 1 to 1000000.";
  }
  if (rules.hasQuality && values.quality !== "" && !isWhole(values.quality, 100)) {
    found.quality = "Enter a whole number from 1 to 100, or leave it empty.";
  }
  const names = problemOfNames(values.names, values.format);
  if (names) found.names = names;
  return found;
}

function isWhole(text, most) {
  return /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= most;
}

function problemOfNames(pattern, format) {
  if (!pattern) return "";
  if (pattern === "{name}" && !format) return "This is the image’s own name; add {size} or other letters.";
  const unknown = pattern.match(/\{[^}]*\}?/g)?.find((part) => !["{name}", "{size}"].includes(part));
  if (unknown) return `${unknown} is not known; use {name} and {size}.`;
  if (!pattern.includes("{name}")) return "Write {name} where the image’s own name belongs.";
  const letter = pattern.match(/[\\/:*?"<>|\p{Cc}]/u)?.[0];
  if (letter) return `A file name cannot contain ${letter.trim() || "control characters"}.`;
  return pattern.length > 80 ? "Use at most 80 letters." : "";
}

// Return the form fields of POST /v1/restore for a file's name, or for none.
export function requestFields(values, rules, name = "") {
  const fields = values.task ? { task: values.task } : {};
  if (!rules.keepsSize && values.size === "width") fields.width = values.width;
  else if (!rules.keepsSize && values.size !== "2") fields.scale = values.size;
  if (rules.hasStrength && values.strength !== "100") fields.strength = values.strength / 100;
  if (values.format) fields.format = values.format;
  if (rules.hasQuality && values.quality) fields.quality = values.quality;
  if (values.names && name) fields.output_name = outputName(values, rules, name);
  return fields;
}

// Return the name of a result as the server completes it; `formats` has those that are written.
export function resultName(values, rules, formats, name) {
  const made = outputName(values, rules, name);
  const format = formats.get(values.format);
  const extension = extensionOf(made);
  const isKnown = [...formats.values()].some(({ suffixes }) => suffixes.includes(extension.toLowerCase()));
  if (isKnown && (!format || format.suffixes.includes(extension.toLowerCase()))) return made;
  return (isKnown ? made.slice(0, -extension.length) : made) + (format?.suffixes[0] ?? extensionOf(name));
}

const extensionOf = (name) => name.match(/(?<=.)\.[^.]*$/)?.[0] ?? "";

// Return the name of a result, without its extension.
export function outputName(values, rules, name) {
  const size = values.size === "width" ? `w${values.width}` : `x${values.size}`;
  return (values.names || "{name}_{size}")
    .replaceAll("{size}", rules.keepsSize ? "restored" : size)
    .replaceAll("{name}", () => name.replace(/(?<=.)\.[^.]*$/, ""));
}

function load() {
  try {
    return JSON.parse(localStorage.getItem(STORED));
  } catch {
    return null;
  }
}

function store(values) {
  try {
    localStorage.setItem(STORED, JSON.stringify(values));
  } catch {
    // Storage is refused or full: the values hold until the page is left.
  }
}
