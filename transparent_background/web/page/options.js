// The forms: their controls are made from the server's options, and what they say is read, saved and loaded.

import { call } from "./api.js";
import { makeControl } from "./controls.js";
import { make, save, toast } from "./dom.js";

/** What the page knows of formats: `lossy` ones have a quality, `flat` ones no transparency. */
const FORMATS = {
  picture: {
    png: { label: "PNG: transparent, exact" },
    webp: { label: "WebP: transparent, small", lossy: true },
    avif: { label: "AVIF: transparent, smallest", lossy: true },
    tiff: { label: "TIFF: transparent, for print" },
    jpg: { label: "JPEG: small, never transparent", lossy: true, flat: true },
  },
  film: {
    webm: { label: "WebM", note: "Transparent in Chrome, Edge and Firefox, and on web pages." },
    mov: { label: "MOV (ProRes)", note: "Transparent, for editing programs. Large; browsers can't show it." },
    mp4: { label: "MP4", note: "Plays everywhere. It has no transparency." },
    mkv: { label: "MKV", note: "Transparent, for some players and editing programs." },
    webp: { label: "WebP, animated", note: "Transparent in every browser, without sound." },
    apng: { label: "APNG, animated", note: "Transparent in every browser, exact and large, without sound." },
    gif: { label: "GIF, animated", note: "Shows everywhere. Edges are hard, 256 colours, without sound." },
  },
};

/** Options that apply to some formats and backgrounds only. */
const APPLIES = {
  quality: ({ lossy }) => lossy,
  background: ({ flat }, { transparent }) => flat && transparent,
};

/** The options of one form: of a `picture`, a `film` or a `camera`. */
export class Options {
  #controls = new Map();

  constructor(form, subject, background) {
    Object.assign(this, { form, subject, background });
    form.addEventListener("input", () => this.show());
    form.addEventListener("change", () => this.show());
    form.addEventListener("reset", () =>
      setTimeout(() => {
        background.reset(); // after the fields were reset
        this.show();
      }),
    );
    const file = form.querySelector("[data-recipe]");
    form.querySelector("[data-save]")?.addEventListener("click", () => this.#save());
    form.querySelector("[data-load]")?.addEventListener("click", () => file.click());
    file?.addEventListener("change", () => this.#load(file));
  }

  /** Make the controls. `options` and `about` are what the server says of its options, and of itself. */
  build(options, about) {
    for (const option of options.filter(({ subjects }) => subjects.includes(this.subject))) {
      const { name, hint, default: preset } = option;
      const control = makeControl(this.#offered(option, about), `${this.form.id}-${name}`);
      const section = this.#section(option.section);
      section.append(...control.parts);
      this.#controls.set(name, { ...control, preset });
      if (hint && !control.hinted) this.#explain(control.input, section, hint);
    }
    this.show();
  }

  /** Put fine print behind an input; the same words stand once, behind the last one that they explain. */
  #explain(input, section, hint) {
    const there = [...section.children].find(({ textContent }) => textContent === hint);
    const print = there ?? make("p", { className: "fine", id: `${input.id}-hint` }, hint);
    section.append(print);
    input.setAttribute("aria-describedby", print.id);
  }

  /** Models and formats are those that this server has. */
  #offered(option, { models, default: mode, formats, film_formats: films }) {
    if (option.name === "mode") {
      const notes = Object.fromEntries(models.map(({ name, description }) => [name, description]));
      return { ...option, kind: "choice", choices: Object.keys(notes), start: mode, notes };
    }
    if (option.name !== "format") return option;
    const known = FORMATS[this.subject];
    const names = this.subject === "film" ? films : formats;
    const choices = [...Object.keys(known).filter((name) => names.includes(name)), ...names.filter((name) => !known[name])];
    const labels = Object.fromEntries(choices.map((name) => [name, known[name]?.label ?? name.toUpperCase()]));
    const notes = Object.fromEntries(choices.map((name) => [name, known[name]?.note]));
    return { ...option, kind: "choice", choices, choice_labels: labels, start: choices[0], notes };
  }

  #section(name) {
    let section = [...this.form.querySelectorAll("details")].find(({ dataset }) => dataset.section === name);
    if (!section) {
      section = make("details", {}, make("summary", {}, make("h3", {}, name)));
      section.dataset.section = name;
      const foot = this.form.querySelector(".panel-foot");
      if (foot) foot.before(section);
      else this.form.append(section);
    }
    section.hidden = false;
    return section;
  }

  /** The file format that is chosen. */
  get format() {
    return FORMATS[this.subject]?.[this.#controls.get("format")?.get()] ?? {};
  }

  /** Show what follows from what is chosen. */
  show() {
    for (const [name, control] of this.#controls) {
      control.shown = !(name in APPLIES) || APPLIES[name](this.format, this.background) === true;
      for (const part of control.parts) part.hidden = !control.shown;
      control.show?.();
    }
  }

  /** Every option that differs from its default. */
  get values() {
    const values = {};
    for (const [name, { shown, get, preset }] of this.#controls) {
      const value = shown ? get() : null;
      if (value !== null && value !== preset) values[name] = value;
    }
    return values;
  }

  /** What the server is told: the `fields`, the `file` to put behind, and a `key` that equal options have. */
  get answer() {
    const { fields, file } = this.background.answer;
    Object.assign(fields, this.values);
    return { fields, file, key: JSON.stringify([fields, this.background.key]) };
  }

  #save() {
    const { fields, file } = this.answer;
    save(new Blob([`${JSON.stringify(fields, null, 2)}\n`], { type: "application/json" }), "recipe.json");
    toast(file ? "The options were saved, without the file behind." : "The options were saved.");
  }

  async #load(input) {
    const [file] = input.files;
    input.value = ""; // so that the same file can be chosen again
    if (!file) return;
    try {
      const body = await file.slice(0, 65_536).text(); // the server takes less
      this.#take(await (await call("api/recipe", { method: "POST", body })).json(), file.name);
    } catch (error) {
      toast(error.message);
    }
  }

  /** Set the options of a recipe; others are as in the beginning. */
  #take({ type = "rgba", fit, ...rest }, name) {
    this.form.reset();
    const words = [`The options of ${name} were set.`];
    if (!this.background.take(type, fit)) words.push(`Choose the file behind, ${type}, yourself.`);
    const left = Object.entries(rest).filter(([option, value]) => value !== null && !this.#set(option, value));
    if (left.length) words.push(`Not offered here, and left out: ${left.map((pair) => pair.join(" ")).join(", ")}.`);
    this.form.dispatchEvent(new Event("change"));
    toast(words.join(" "));
  }

  #set(name, value) {
    const control = this.#controls.get(name);
    if (!control || control.set(value) === false) return false;
    return control.input.dispatchEvent(new Event("change", { bubbles: true }));
  }
}
