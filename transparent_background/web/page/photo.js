// The Photos tab: what is shown of the pictures, and what is done with their results.

import { at } from "./api.js";
import { BackgroundChooser } from "./background.js";
import { Compare } from "./compare.js";
import { announce, byId, bytes, duration, icon, limitBytes, make, save, settled, showError, toast } from "./dom.js";
import { Options } from "./options.js";
import { Pictures } from "./pictures.js";
import { leave } from "./results.js";
import { MOST } from "./shelf.js";
import { offerUndo } from "./undo.js";
import { zip } from "./zip.js";

const STATES = { waiting: "waiting", working: "being worked on", done: "done", failed: "did not work" };

const form = byId("photo-options");
const stage = byId("photo-stage");
const strip = byId("strip");

export class PhotoTab {
  #shown = null; // what the frame shows, so that it is not set up again for nothing
  #entries = new Map(); // picture -> its element in the strip
  #size = null;
  #alone = false;
  #key = null; // of the options that are worked with

  constructor() {
    this.background = new BackgroundChooser(byId("photo-background"));
    this.options = new Options(form, "picture", this.background);
    this.compare = new Compare(byId("compare"));
    this.pictures = new Pictures(() => this.options.answer);
    this.pictures.addEventListener("list", () => this.#showList());
    this.pictures.addEventListener("shelf", () => this.#showAll());
    this.pictures.addEventListener("change", ({ detail }) => this.#showPicture(detail));
    this.#wireOptions();
    this.#wireButtons();
    addEventListener("pagehide", leave);
    this.#recall();
  }

  /** Take what the server says of itself and of its options. */
  learn(about, options) {
    this.options.build(options, about);
    this.#key = this.options.answer.key;
    this.pictures.limit = about.limits.bytes;
    const { bytes: limit, kept_seconds: kept } = about.limits;
    byId("photo-limits").textContent =
      `Up to ${limitBytes(limit)} each. The server of this page does the work, and forgets your photos when you clear them or leave the page, or after ${duration(kept)} without use. Your browser keeps them for a reload of this page, up to ${MOST.count} and ${bytes(MOST.bytes)}.`;
    this.pictures.resume();
  }

  #tooLarge(file) {
    const limit = limitBytes(this.pictures.limit);
    return `${file.name} has ${limitBytes(file.size)}, and this server takes at most ${limit}. Make it smaller, and add it again.`;
  }

  async #recall() {
    const count = await this.pictures.recall((file) => this.#tooLarge(file));
    if (count) announce(count === 1 ? "Your photo is here again." : `Your ${count} photos are here again.`);
  }

  add(files) {
    this.pictures.add(files, (file) => this.#tooLarge(file));
    announce(files.length === 1 ? `${files[0].name} was added.` : `${files.length} photos were added.`);
  }

  #wireOptions() {
    const redo = settled(() => this.pictures.resume(), 120);
    const changed = () => {
      const { key } = this.options.answer;
      if (this.background.incomplete || key === this.#key) return;
      this.#key = key;
      this.pictures.outdate();
      redo();
    };
    form.addEventListener("input", changed);
    form.addEventListener("change", changed);
    this.background.fieldset.addEventListener("change", changed);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(changed));
  }

  #wireButtons() {
    byId("photo-download").addEventListener("click", () => {
      const { result } = this.pictures.chosen;
      save(result.blob, result.name);
    });
    byId("photo-copy").addEventListener("click", () => this.#copy());
    byId("photo-remove").addEventListener("click", () => this.#remove(this.pictures.chosen));
    byId("photo-again").addEventListener("click", () => this.pictures.again(this.pictures.chosen));
    byId("photo-clear").addEventListener("click", () => {
      const { list } = this.pictures;
      this.#takeOut(list, `${list.length} photos were removed from the page.`);
      byId("undo-button").focus();
    });
    byId("photo-zip").addEventListener("click", () => this.#downloadAll());
    byId("photo-sample").addEventListener("click", () => this.#sample());
    for (const input of document.querySelectorAll("[name=view-backdrop]")) {
      input.addEventListener("change", () => (stage.dataset.backdrop = input.value));
    }
    for (const input of document.querySelectorAll("[name=view-zoom]")) {
      input.addEventListener("change", () => (this.compare.zoom = input.value));
    }
    strip.addEventListener("change", (event) => {
      const picture = this.pictures.list.find(({ id }) => String(id) === event.target.value);
      if (picture) this.pictures.choose(picture);
    });
    strip.addEventListener("keydown", (event) => {
      if (event.key === "Delete" || event.key === "Backspace") this.#remove(this.pictures.chosen);
    });
    byId("photo-copy").hidden = !(navigator.clipboard?.write && window.ClipboardItem);
  }

  async #sample() {
    const response = await fetch(at("page/sample.jpg")).catch(() => null);
    if (!response?.ok) {
      toast("The sample can't be loaded. The server may have been stopped.");
      return;
    }
    this.add([new File([await response.blob()], "astronaut.jpg", { type: "image/jpeg" })]);
  }

  #remove(picture) {
    if (!picture) return;
    const hadFocus = strip.contains(document.activeElement);
    this.#takeOut([picture], `${picture.name} was removed from the page.`);
    if (!this.pictures.chosen) document.querySelector("#photo-hero [data-choose]").focus();
    else if (hadFocus) this.#entries.get(this.pictures.chosen).querySelector("input").focus();
  }

  #takeOut(pictures, sentence) {
    const { undo, settle } = this.pictures.takeOut(pictures);
    const back = () => {
      undo();
      announce(pictures.length === 1 ? `${pictures[0].name} is here again.` : `${pictures.length} photos are here again.`);
      strip.querySelector("input:checked")?.focus();
    };
    offerUndo(sentence, back, settle, () => strip.querySelector("input:checked") ?? document.querySelector("#photo-hero [data-choose]"));
  }

  async #copy() {
    const { blob } = this.pictures.chosen.result;
    try {
      const png = blob.type === "image/png" ? blob : asPng(this.pictures.chosen.result.url);
      await navigator.clipboard.write([new ClipboardItem({ "image/png": png })]);
      toast("The result was copied.");
    } catch {
      toast("The browser did not allow copying. Download the result instead.");
    }
  }

  async #downloadAll() {
    const button = byId("photo-zip");
    button.disabled = true;
    try {
      const files = this.pictures.done.map(({ result }) => ({ name: result.name, blob: result.blob }));
      save(await zip(files), "transparent-background.zip");
    } catch (error) {
      toast(error instanceof RangeError ? error.message : "The zip file could not be made. Download the photos one by one.");
    } finally {
      button.disabled = false;
    }
  }

  #showList() {
    const { list, chosen } = this.pictures;
    const first = byId("photo-hero").contains(document.activeElement) && list.length > 0;
    byId("photo-hero").hidden = list.length > 0;
    byId("photo-workspace").hidden = list.length === 0;
    for (const [picture, entry] of this.#entries) {
      if (list.includes(picture)) continue;
      entry.remove();
      this.#entries.delete(picture);
    }
    for (const picture of list) {
      if (!this.#entries.has(picture)) {
        const entry = this.#makeEntry(picture);
        this.#entries.set(picture, entry);
        strip.append(entry);
      }
      this.#showEntry(picture);
    }
    if (chosen) {
      const entry = this.#entries.get(chosen);
      const input = entry.querySelector("input");
      input.checked = true;
      const out = entry.offsetLeft - strip.scrollLeft;
      if (out < 0 || out + entry.offsetWidth > strip.clientWidth) strip.scrollLeft = entry.offsetLeft - 90;
      if (first) input.focus({ preventScroll: true }); // the button that had the focus is gone
      this.#showChosen();
    } else {
      this.#shown = null;
      this.compare.show({});
    }
    this.#showAll();
  }

  #makeEntry(picture) {
    const input = make("input", { type: "radio", name: "strip", value: String(picture.id), className: "visually-hidden" });
    const close = make("button", { type: "button", className: "close", tabIndex: -1, title: "Remove" }, icon("close"));
    close.setAttribute("aria-label", `Remove ${picture.name}`);
    close.addEventListener("click", () => this.#remove(picture));
    const label = make("label", { title: picture.name }, input, make("span", { className: "thumb" }), make("span", { className: "visually-hidden" }));
    return make("li", {}, label, close);
  }

  #showEntry(picture) {
    const entry = this.#entries.get(picture);
    entry.dataset.state = picture.state;
    entry.querySelector(".visually-hidden:not(input)").textContent = `${picture.name}, ${STATES[picture.state]}`;
    const thumb = entry.querySelector(".thumb");
    const url = picture.result?.thumbnail ?? picture.thumbnail;
    const now = thumb.querySelector("img")?.src ?? null;
    if (url && now !== url) thumb.replaceChildren(make("img", { src: url, alt: "" }));
    else if (!url && !thumb.firstChild) thumb.append(icon("photo"));
  }

  #showPicture(picture) {
    if (!this.#entries.has(picture)) return;
    this.#showEntry(picture);
    if (picture === this.pictures.chosen) this.#showChosen();
    this.#showAll();
    const sentence = { done: `${picture.name} is done.`, failed: `${picture.name}: ${picture.error}` }[picture.state];
    if (sentence && picture === this.pictures.chosen) announce(sentence);
    if (!this.pictures.busy && this.pictures.list.length > 1) announce(this.#summary());
  }

  async #showChosen() {
    const picture = this.pictures.chosen;
    const { state, result, error, note } = picture;
    stage.dataset.state = state;
    stage.classList.toggle("outdated", state !== "done" && result !== null && !result.small);
    stage.setAttribute("aria-busy", String(state === "waiting" || state === "working"));
    byId("photo-name").textContent = picture.name;
    byId("photo-download").disabled = byId("photo-copy").disabled = state !== "done";
    showError(byId("photo-error"), state === "failed" ? error : null);
    byId("photo-again").hidden = picture.final;
    this.#showNote(picture, note);
    if (this.#shown !== (result?.url ?? picture.url)) {
      this.#shown = result?.url ?? picture.url;
      const shown = await this.compare.show({ before: picture.url, after: result?.url, box: result?.box, small: result?.small, name: picture.name });
      if (!shown) return;
      this.#size = shown.size;
      this.#alone = shown.after && !shown.before;
    }
    if (this.pictures.chosen === picture) {
      this.#showSize(picture);
      this.#showNote(picture, picture.note);
    }
  }

  #showSize({ result }) {
    const words = [];
    if (this.#size) words.push(`${this.#size[0]} × ${this.#size[1]}`);
    if (result && !result.small) words.push(bytes(result.blob.size));
    if (result && this.#alone) words.push("shown without the original");
    byId("photo-size").textContent = words.join(", ");
  }

  #showNote({ state, result }, note) {
    let text = note;
    if (!text && result?.small) text = "A preview. The whole photo is being made …";
    if (!text && result && state !== "done" && state !== "failed") text = "Doing it again with the new options …";
    if (!text && state === "working") text = "Removing the background …";
    if (!text && state === "waiting") text = "Waiting for its turn …";
    const place = byId("photo-note");
    place.hidden = !text;
    place.textContent = text ?? "";
  }

  #summary() {
    const failed = this.pictures.list.filter(({ state }) => state === "failed").length;
    const count = this.pictures.list.length;
    if (!failed) return `All ${count} photos are done.`;
    return `${count - failed} of ${count} photos are done. ${failed === 1 ? "One" : failed} did not work.`;
  }

  #showAll() {
    const { list, done, busy } = this.pictures;
    byId("photo-all").hidden = list.length < 2;
    byId("photo-zip").disabled = done.length === 0 || busy;
    byId("photo-progress").textContent =
      list.length < 2 ? "" : busy ? `${done.length} of ${list.length} photos are done.` : this.#summary();
    const lost = this.pictures.unshelved;
    byId("photo-kept").hidden = this.pictures.shelving || lost === 0;
    byId("photo-kept").textContent = `${lost === 1 ? "One of the photos" : `${lost} of the photos`} would be lost by a reload of this page: your browser keeps no more of them.`;
  }
}

async function asPng(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  canvas.getContext("2d").drawImage(image, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
