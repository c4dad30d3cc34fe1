// A control for every kind of option, made from what the server says of it (GET /api/options).

import { make } from "./dom.js";

const PADDING = { least: 0, most: 0.5, start: 0.05 }; // room around a crop, as a share

/** An option on the page. `parts` are its elements; `value` is what the server is told, null where it decides. */
class Control {
  shown = true;
  parts = [];

  constructor(option, id) {
    this.option = option;
    this.start = option.start ?? option.default;
    this.input = this.make(id);
    this.input.id = id;
  }

  /** Put the input into a field with its label. */
  field(id, className, ...more) {
    const label = make("label", { for: id }, this.option.label);
    this.parts = [make("div", { className: `field ${className}` }, label, ...more)];
  }

  /** Fine print. */
  get hint() {
    return this.option.hint;
  }

  /** Show what follows from the value, and from whether the option applies at all. */
  show() {
    for (const part of this.parts) part.hidden = !this.shown;
  }

  /** Set what a recipe says; false if this page does not offer it. */
  take(value) {
    this.value = value;
    this.input.dispatchEvent(new Event("change", { bubbles: true }));
    return true;
  }
}

class Switch extends Control {
  make() {
    const input = make("input", { type: "checkbox", role: "switch", name: this.option.name, defaultChecked: this.start === true });
    this.parts = [make("label", { className: "switch" }, make("span", {}, this.option.label), input)];
    return input;
  }

  get value() {
    return this.input.checked;
  }

  set value(value) {
    this.input.checked = /^(true|1|yes|on)$/i.test(value);
  }
}

class Slider extends Control {
  make(id) {
    const { least, most, unit, kind } = this.option;
    this.times = unit === "%" ? 100 : 1;
    const step = this.times > 1 || kind === "whole" ? 1 : (most - least) / 100;
    const start = (this.start ?? (least + most) / 2) * this.times;
    const input = make("input", { type: "range", min: least * this.times, max: most * this.times, step, defaultValue: start });
    this.output = make("output", { for: id });
    this.field(id, "", this.output, input);
    return input;
  }

  show() {
    super.show();
    this.output.textContent = [this.input.value, this.option.unit].join(" ").trim();
    if (this.option.unit) this.input.setAttribute("aria-valuetext", this.output.textContent);
  }

  get value() {
    return this.input.value / this.times;
  }

  set value(value) {
    this.input.value = Number((value * this.times).toFixed(3));
  }
}

/** Room around a crop: the server takes text. Pixels are not offered here, as photos differ in size. */
class Padding extends Slider {
  get value() {
    return `${this.input.value}%`;
  }

  set value(value) {
    const percent = parseFloat(value) || 0;
    this.input.max = Math.max(this.input.max, percent);
    super.value = percent / 100;
  }
}

/** A number that the server chooses unless a switch is on; then a slider shows. */
class Optional extends Switch {
  constructor(option, id) {
    super(option, id);
    const more = { label: option.hint || option.label, ...(option.kind === "text" ? PADDING : {}) };
    this.slider = new (option.kind === "text" ? Padding : Slider)({ ...option, ...more }, `${id}-value`);
    this.parts.push(...this.slider.parts);
  }

  get hint() {
    return "";
  }

  show() {
    super.show();
    this.slider.shown = this.shown && this.input.checked;
    this.slider.show();
  }

  get value() {
    return this.input.checked ? this.slider.value : null;
  }

  set value(value) {
    this.input.checked = true;
    this.slider.value = value;
  }

  take(value) {
    const pixels = this.option.kind === "text" && parseFloat(value) > 0 && !/%\s*$/.test(value);
    return !pixels && super.take(value);
  }
}

/** A choice; or a text for which there are suggestions. */
class Select extends Control {
  make(id) {
    const { name, choices, choice_labels: labels } = this.option;
    const left = this.start === null ? [["", labels[""] ?? "Left to the server"]] : [];
    const entries = [...left, ...choices.map((value) => [value, labels[value] ?? value])];
    const input = make("select", { name }, ...entries.map(([value, text]) => make("option", { value, defaultSelected: value === this.start }, text)));
    this.note = make("p", { className: "fine" });
    this.field(id, "", input, this.note);
    return input;
  }

  show() {
    super.show();
    this.note.textContent = this.option.notes?.[this.input.value] ?? "";
    this.note.hidden = !this.note.textContent;
  }

  get value() {
    return this.input.value || null;
  }

  set value(value) {
    this.input.value = value;
  }

  take(value) {
    const offered = this.option.choices.includes(String(value));
    if (!offered && this.option.kind !== "text") return false;
    if (!offered) this.input.append(make("option", { value }, value));
    return super.take(value);
  }
}

class Text extends Control {
  make(id) {
    const { name, kind, choice_labels: labels, least, most } = this.option;
    const input = make("input", {
      type: kind === "text" ? "text" : "number",
      name,
      autocomplete: "off",
      placeholder: labels[""] ?? "",
      defaultValue: this.start ?? "",
      ...(kind === "text" ? {} : { step: kind === "whole" ? "1" : "any", min: least ?? "", max: most ?? "" }),
    });
    this.field(id, "short", input);
    return input;
  }

  get value() {
    const text = this.input.value.trim();
    if (!text) return null;
    return this.option.kind === "text" ? text : Number(text);
  }

  set value(value) {
    this.input.value = value;
  }
}

class Colour extends Control {
  make(id) {
    const input = make("input", { type: "color", name: this.option.name, defaultValue: hex(this.start) });
    this.field(id, "row", input);
    return input;
  }

  get value() {
    return this.input.value;
  }

  set value(value) {
    this.input.value = hex(value);
  }
}

/** A colour as #rrggbb: of a CSS name, #rgb, or three numbers; null if it is none. */
export function hex(colour) {
  const numbers = /^[[(\s]*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)[\])\s]*$/.exec(colour);
  const css = numbers ? `rgb(${numbers.slice(1)})` : String(colour);
  if (!CSS.supports("color", css)) return null;
  const pen = document.createElement("canvas").getContext("2d");
  pen.fillStyle = css;
  return pen.fillStyle;
}

/** Make the control of an option; `id` is its input's. */
export function makeControl(option, id) {
  const { name, kind, unit, choices, least, most, start } = option;
  const slides = unit === "%" && kind === "text" ? true : least !== null && most !== null;
  if (name === "background") return new Colour(option, id);
  if (kind === "flag") return new Switch(option, id);
  if (slides) return new (option.default === null && start === null ? Optional : Slider)(option, id);
  return new (choices.length ? Select : Text)(option, id);
}
