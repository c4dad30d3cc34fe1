// The tiles that say what comes behind the object: nothing, a colour, a picture ...

import { hex } from "./controls.js";
import { icon, make } from "./dom.js";

const KINDS = {
  rgba: "Transparent",
  white: "White",
  green: "Green",
  colour: "Colour",
  picture: "Picture",
  blur: "Blurred",
  map: "Matte",
  overlay: "Overlay",
};

let lastNumber = 0;

/** Fills a fieldset; sends a bubbling `change` whenever the choice is another. */
export class BackgroundChooser {
  /** `accept`: files that may go behind; `thing`: what they are called. */
  constructor(fieldset, { kinds = Object.keys(KINDS), start = kinds[0], accept = "image/*", thing = "picture" } = {}) {
    this.fieldset = fieldset;
    this.name = `${fieldset.id}-kind`;
    this.thing = thing;
    this.file = null;
    this.fileNumber = 0;
    fieldset.append(make("legend", {}, "Background"), this.#tiles(kinds, start), this.#colourField(), this.#fileField(accept));
    fieldset.addEventListener("change", () => this.#show());
    this.colour.addEventListener("input", () => this.#show());
    this.fileInput.addEventListener("change", () => this.setFile(this.fileInput.files[0] ?? this.file));
    this.#show();
  }

  #tiles(kinds, start) {
    const tiles = make("div", { className: "tiles" });
    for (const kind of kinds) {
      const input = make("input", { type: "radio", name: this.name, value: kind, defaultChecked: kind === start });
      const swatch = make("span", { className: `swatch ${kind}` }, icon("person", "person"));
      tiles.append(make("label", { className: "tile" }, input, swatch, make("span", {}, KINDS[kind])));
    }
    return tiles;
  }

  #colourField() {
    const id = `${this.fieldset.id}-colour`;
    this.colour = make("input", { type: "color", id, defaultValue: "#3a7bd5" });
    this.colourField = make("div", { className: "field row" }, make("label", { for: id }, "Colour"), this.colour);
    return this.colourField;
  }

  #fileField(accept) {
    const id = `${this.fieldset.id}-file`;
    const note = `${id}-note`;
    this.fileInput = make("input", { type: "file", id, accept, className: "visually-hidden", tabIndex: -1 });
    this.fileInput.setAttribute("aria-label", `The ${this.thing} to put behind`);
    this.fileButton = make("button", { type: "button", className: "button small" }, `Choose a ${this.thing}`);
    this.fileButton.setAttribute("aria-describedby", note);
    this.fileButton.addEventListener("click", () => this.fileInput.click());
    this.fileNote = make("span", { className: "fine", id: note });
    const fit = `${id}-fit`;
    this.fit = make("select", { id: fit });
    for (const [value, text] of [
      ["cover", "Fill, cut off what stands over"],
      ["contain", "Show all of it"],
      ["stretch", "Stretch"],
      ["tile", "Repeat"],
    ]) {
      this.fit.append(make("option", { value }, text));
    }
    this.fileField = make(
      "div",
      { className: "behind" },
      make("div", { className: "behind-row" }, this.fileButton, this.fileNote),
      this.fileInput,
      make("div", { className: "field" }, make("label", { for: fit }, "How it fills the frame"), this.fit),
    );
    return this.fileField;
  }

  setFile(file) {
    if (!file) return;
    this.file = file;
    lastNumber += 1;
    this.fileNumber = lastNumber;
    URL.revokeObjectURL(this.swatchUrl);
    const swatch = this.fieldset.querySelector(".swatch.picture");
    swatch.style.backgroundImage = "";
    if (file.type.startsWith("image/")) {
      this.swatchUrl = URL.createObjectURL(file);
      swatch.style.backgroundImage = `url("${this.swatchUrl}")`;
    }
    this.#show();
  }

  #show() {
    const { kind } = this;
    this.colourField.hidden = kind !== "colour";
    this.fileField.hidden = kind !== "picture";
    const swatch = this.fieldset.querySelector(".swatch.colour");
    if (swatch) swatch.style.backgroundColor = this.colour.value;
    this.fileNote.textContent = this.file ? this.file.name : `Until then nothing changes.`;
    this.fileButton.textContent = this.file ? "Another one" : `Choose a ${this.thing}`;
  }

  get kind() {
    return this.fieldset.querySelector("input:checked").value;
  }

  /** Whether a picture is to go behind, but none was chosen yet. */
  get incomplete() {
    return this.kind === "picture" && this.file === null;
  }

  get transparent() {
    return this.kind === "rgba";
  }

  /** What the server is told: `fields`, and the `file` to put behind. */
  get answer() {
    if (this.kind === "colour") return { fields: { type: this.colour.value }, file: null };
    if (this.kind === "picture") return { fields: { fit: this.fit.value }, file: this.file };
    return { fields: { type: this.kind }, file: null };
  }

  /** The same as one string, to see whether it changed. */
  get key() {
    return JSON.stringify([this.answer.fields, this.answer.file ? this.fileNumber : 0]);
  }

  /** Set what a recipe says; false if a file has to be chosen for it. */
  take(type, fit = "cover") {
    const colour = hex(type);
    const plain = ["rgba", "white", "green", "blur", "map", "overlay"].find((kind) => kind === String(type).toLowerCase());
    const kind = plain ?? (colour ? "colour" : "picture");
    this.fieldset.querySelector(`input[value=${kind}]`).checked = true;
    if (colour) this.colour.value = colour;
    this.fit.value = fit;
    this.#show();
    return kind !== "picture";
  }

  reset() {
    this.file = null;
    this.fileInput.value = "";
    URL.revokeObjectURL(this.swatchUrl);
    this.fieldset.querySelector(".swatch.picture").style.backgroundImage = "";
    this.#show();
  }
}
