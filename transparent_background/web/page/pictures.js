// The photos on the page, and the queue that has the server work on them: no more than two at a time,
// the one that is looked at first, and over again when the options are others.

import { call, fileName, patiently } from "./api.js";

const AT_ONCE = 2;
const VIEWABLE = ["png", "jpg", "webp", "avif"]; // formats that browsers show
const FINAL = [413, 415]; // statuses that no other option changes
const THUMBNAIL = 176;

let lastId = 0;

/** One photo: the file, how far it is, and its result. */
class Picture {
  constructor(file, name) {
    lastId += 1;
    this.id = lastId;
    this.file = file;
    this.name = name;
    this.url = URL.createObjectURL(file);
    this.thumbnail = null;
    this.state = "waiting"; // working, done, failed
    this.note = null; // what it waits for
    this.error = null;
    this.final = false; // whether trying again is in vain
    this.result = null; // { blob, name, url, key, box, thumbnail }
    this.controller = null;
  }

  set(state, { error = null, note = null, final = false } = {}) {
    Object.assign(this, { state, error, note, final });
  }

  takeResult(result) {
    this.dropResult();
    this.result = result;
  }

  dropResult() {
    URL.revokeObjectURL(this.result?.url);
    URL.revokeObjectURL(this.result?.thumbnail);
    this.result = null;
  }

  dispose() {
    this.controller?.abort();
    this.dropResult();
    URL.revokeObjectURL(this.url);
    URL.revokeObjectURL(this.thumbnail);
  }
}

/** Sends `change` with the picture as detail whenever one is in another state, and `list` when they are others. */
export class Pictures extends EventTarget {
  /** `options()` gives what is wanted now; `limit` is the most bytes that the server takes. */
  constructor(options) {
    super();
    this.options = options;
    this.list = [];
    this.chosen = null;
    this.limit = Infinity;
    this.held = true; // until the server has said what can be asked of it
  }

  #tell(picture) {
    this.dispatchEvent(new CustomEvent("change", { detail: picture }));
  }

  #tellList() {
    this.dispatchEvent(new Event("list"));
  }

  add(files, tooLarge) {
    const added = files.map((file) => new Picture(file, file.name));
    for (const picture of added) {
      if (picture.file.size > this.limit) picture.set("failed", { error: tooLarge(picture.file), final: true });
      makeThumbnail(picture.file).then((url) => {
        picture.thumbnail = url;
        this.#tell(picture);
      });
    }
    this.list.push(...added);
    if (!this.chosen || !this.list.includes(this.chosen)) this.chosen = added[0] ?? null;
    else if (added.length) this.chosen = added[0];
    this.#tellList();
    this.pump();
  }

  choose(picture) {
    this.chosen = picture;
    this.#tellList();
    this.pump();
  }

  remove(picture) {
    const index = this.list.indexOf(picture);
    this.list.splice(index, 1);
    picture.dispose();
    if (this.chosen === picture) this.chosen = this.list[Math.min(index, this.list.length - 1)] ?? null;
    this.#tellList();
    this.pump();
  }

  clear() {
    for (const picture of this.list) picture.dispose();
    this.list = [];
    this.chosen = null;
    this.#tellList();
  }

  again(picture) {
    picture.set("waiting");
    this.#tell(picture);
    this.pump();
  }

  /** The options are others: stop what is obsolete. Nothing is begun before `resume()`. */
  outdate() {
    this.held = true;
    const { key } = this.options();
    for (const picture of this.list) {
      if (picture.final) continue;
      if (picture.state === "done" && picture.result.key === key) continue;
      if (picture.state === "working" && picture.key === key) continue;
      picture.controller?.abort();
      picture.controller = null;
      picture.set(picture.result?.key === key ? "done" : "waiting");
      this.#tell(picture);
    }
  }

  resume() {
    this.held = false;
    this.pump();
  }

  get busy() {
    return this.list.some(({ state }) => state === "waiting" || state === "working");
  }

  get done() {
    return this.list.filter(({ state }) => state === "done");
  }

  /** Begin as many as may be begun. */
  pump() {
    if (this.held) return;
    let free = AT_ONCE - this.list.filter(({ state }) => state === "working").length;
    const waiting = this.list.filter(({ state }) => state === "waiting");
    if (this.chosen?.state === "waiting") waiting.unshift(...waiting.splice(waiting.indexOf(this.chosen), 1));
    for (const picture of waiting) {
      if (free <= 0) break;
      free -= 1;
      this.#work(picture);
    }
  }

  async #work(picture) {
    const options = this.options();
    const controller = new AbortController();
    picture.controller = controller;
    picture.key = options.key;
    picture.set("working");
    this.#tell(picture);
    const waits = () => {
      picture.note = "The server is busy. This photo goes on in a moment.";
      this.#tell(picture);
    };
    try {
      const result = await process(picture, options, waits, controller.signal);
      if (controller.signal.aborted) {
        URL.revokeObjectURL(result.url);
        URL.revokeObjectURL(result.thumbnail);
        return;
      }
      picture.takeResult(result);
      picture.set("done");
    } catch (error) {
      if (controller.signal.aborted) return;
      picture.dropResult();
      picture.set("failed", { error: error.message, final: FINAL.includes(error.status) });
    }
    picture.controller = null;
    this.#tell(picture);
    this.pump();
  }
}

/** Have the server do one photo. A format that browsers can't show is asked for beside one they can. */
async function process(picture, options, waits, signal) {
  const ask = (fields) => patiently(() => removeBackground(picture, fields, options.file, signal), waits, signal);
  const file = await ask(options.fields);
  const shown = VIEWABLE.includes(options.fields.format) ? file : await ask({ ...options.fields, format: "png" });
  return {
    ...file,
    key: options.key,
    url: URL.createObjectURL(shown.blob),
    thumbnail: await makeThumbnail(shown.blob),
  };
}

async function removeBackground(picture, fields, behind, signal) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  if (behind) form.append("background_image", behind, behind.name);
  form.append("file", picture.file, picture.name);
  const response = await call("api/remove", { method: "POST", body: form, signal });
  const box = response.headers.get("X-Crop-Box")?.split(",").map(Number) ?? null;
  const stem = picture.name.replace(/\.[^.]*$/, "");
  const name = fileName(response, `${stem}_${fields.type ?? "background"}.${fields.format}`);
  return { blob: await response.blob(), name, box: box?.length === 4 && box.every(Number.isFinite) ? box : null };
}

/** A small copy, so that a hundred large photos fit into memory; null if the browser can't read it. */
async function makeThumbnail(blob) {
  try {
    const whole = await createImageBitmap(blob);
    const scale = Math.min(1, THUMBNAIL / Math.max(whole.width, whole.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(whole.width * scale));
    canvas.height = Math.max(1, Math.round(whole.height * scale));
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(whole, 0, 0, canvas.width, canvas.height);
    whole.close();
    const small = await new Promise((resolve) => canvas.toBlob(resolve));
    return small && URL.createObjectURL(small);
  } catch {
    return null;
  }
}
