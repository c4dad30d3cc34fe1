// A control for every kind of option, made from what the server says of it (GET /api/options).

import { make } from "./dom.js";

const ROOM = { least: 0, most: 0.5, start: 0.05 }; // around a crop, as a share of the object

/**
 * Make the control of an option: an `input` with that `id`, and the `parts` that stand in a section. `get` gives
 * what the server is told, null where it decides; `set` takes what a recipe says, and gives false if that is not
 * offered here; `show` shows what follows from the value.
 */
export function makeControl(option, id) {
  const { name, kind, unit, choices, least, most } = option;
  const start = option.start ?? option.default;
  const share = kind === "text" && unit === "%";
  const whole = { ...option, id, start };
  if (name === "background") return colour(whole);
  if (kind === "flag") return flag(whole);
  if (share || (least !== null && most !== null)) return start === null ? optional(whole, share) : slider(whole);
  return choices.length ? select(whole) : text(whole);
}

function field(className, { id, label }, ...more) {
  return make("div", { className: `field ${className}` }, make("label", { for: id }, label), ...more);
}

function flag({ id, name, label, start }) {
  const input = make("input", { id, name, type: "checkbox", role: "switch", defaultChecked: start === true });
  return {
    input,
    parts: [make("label", { className: "switch" }, make("span", {}, label), input)],
    get: () => input.checked,
    set(value) {
      input.checked = /^(true|1|yes|on)$/i.test(value);
    },
  };
}

function slider(option) {
  const { id, kind, least, most, unit, start } = option;
  const times = unit === "%" ? 100 : 1;
  const step = times > 1 || kind === "whole" ? 1 : (most - least) / 100;
  const input = make("input", { id, type: "range", min: least * times, max: most * times, step, defaultValue: start * times });
  const output = make("output", { for: id });
  return {
    input,
    parts: [field("", option, output, input)],
    get: () => input.value / times,
    set(value) {
      input.value = Number((value * times).toFixed(3));
    },
    show() {
      output.textContent = `${input.value} ${unit}`.trim();
      if (unit) input.setAttribute("aria-valuetext", output.textContent);
    },
  };
}

/** A number that is left to the server until a switch shows its slider; a `share` goes to the server as text. */
function optional(option, share) {
  const toggle = flag(option);
  const { least, most } = option;
  const words = { id: `${option.id}-value`, label: option.hint || option.label };
  const amount = slider({ ...option, start: (least + most) / 2, ...(share ? ROOM : {}), ...words });
  return {
    ...toggle,
    parts: [...toggle.parts, ...amount.parts],
    hinted: true,
    get() {
      if (!toggle.input.checked) return null;
      return share ? `${amount.input.value}%` : amount.get();
    },
    set(value) {
      const percent = parseFloat(value) || 0;
      if (share && percent > 0 && !/%\s*$/.test(value)) return false; // pixels: photos differ in size
      toggle.input.checked = true;
      if (share) amount.input.max = Math.max(amount.input.max, percent);
      return amount.set(share ? percent / 100 : value);
    },
    show() {
      if (!toggle.input.checked) amount.parts[0].hidden = true;
      amount.show();
    },
  };
}

/** A choice; or a text for which there are suggestions. Its entries may have `notes`. */
function select(option) {
  const { id, name, kind, choices, choice_labels: labels, notes, start } = option;
  const entry = (value, label) => make("option", { value, defaultSelected: value === start }, label);
  const none = start === null ? [entry("", labels[""] ?? "Left to the server")] : [];
  const input = make("select", { id, name }, ...none, ...choices.map((value) => entry(value, labels[value] ?? value)));
  const note = make("p", { className: "fine" });
  return {
    input,
    parts: [field("", option, input, note)],
    get: () => input.value || null,
    set(value) {
      const offered = choices.includes(String(value));
      if (!offered && kind !== "text") return false;
      if (!offered) input.append(entry(value, value));
      input.value = value;
      return true;
    },
    show() {
      note.textContent = notes?.[input.value] ?? "";
      note.hidden = !note.textContent;
    },
  };
}

function text(option) {
  const { id, name, kind, choice_labels: labels, least, most, start } = option;
  const bounds = { type: "number", step: kind === "whole" ? "1" : "any", min: least ?? "", max: most ?? "" };
  const words = { placeholder: labels[""] ?? "", autocomplete: "off", defaultValue: start ?? "" };
  const input = make("input", { id, name, type: "text", ...(kind === "text" ? {} : bounds), ...words });
  return {
    input,
    parts: [field("short", option, input)],
    get() {
      const value = input.value.trim();
      return value === "" ? null : kind === "text" ? value : Number(value);
    },
    set(value) {
      input.value = value;
    },
  };
}

function colour(option) {
  const input = make("input", { id: option.id, name: option.name, type: "color", defaultValue: hex(option.start) });
  return {
    input,
    parts: [field("row", option, input)],
    get: () => input.value,
    set(value) {
      input.value = hex(value);
    },
  };
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
