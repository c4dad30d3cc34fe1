// The photos on the page, and the queue that has the server work on them: no more than three at a time,
// the one that is looked at first, and over again when the options are others.

import { forget, know, makeThumbnail, process, send } from "./results.js";
import * as shelf from "./shelf.js";

const AT_ONCE = 3;
const FINAL = [413, 415]; // statuses that no other option changes

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
    this.result = null; // { blob, name, url, key, box, thumbnail }; `small` while the whole is made
    this.controller = null;
    this.ending = new AbortController();
  }

  set(state, { error = null, note = null, final = false } = {}) {
    Object.assign(this, { state, error, note, final });
  }

  /** Aborted when the photo goes: its upload goes on while options change. */
  get life() {
    return this.ending.signal;
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

  /** Stop what is done for it; it may come back. */
  rest() {
    this.controller?.abort();
    this.controller = null;
    if (this.state === "working") this.set("waiting");
  }

  dispose() {
    this.rest();
    this.ending.abort();
    this.dropResult();
    URL.revokeObjectURL(this.url);
    URL.revokeObjectURL(this.thumbnail);
  }
}

/**
 * Sends `change` with the picture as detail whenever one is in another state, `list` when they are others, and `shelf`
 * when it is known which of them a reload finds.
 */
export class Pictures extends EventTarget {
  /** `options()` gives what is wanted now; `limit` is the most bytes that the server takes. */
  constructor(options) {
    super();
    this.options = options;
    this.list = [];
    this.chosen = null;
    this.limit = Infinity;
    this.shelving = 0;
    this.held = true; // until the server has said what can be asked of it
  }

  #tell(picture) {
    this.dispatchEvent(new CustomEvent("change", { detail: picture }));
  }

  #tellList() {
    this.dispatchEvent(new Event("list"));
  }

  add(files, tooLarge) {
    const added = files.map((file) => this.#make(file, file.name, tooLarge));
    this.list.push(...added);
    this.chosen = added[0] ?? this.chosen;
    this.#tellList();
    this.pump();
    this.#shelve();
  }

  #make(file, name, tooLarge) {
    const picture = new Picture(file, name);
    if (file.size > this.limit) picture.set("failed", { error: tooLarge(file), final: true });
    makeThumbnail(file).then((url) => {
      picture.thumbnail = url;
      this.#tell(picture);
    });
    return picture;
  }

  /** Take back the photos that were here before the page was loaded again. */
  async recall(tooLarge) {
    const entries = await shelf.recall();
    const found = entries.map(({ file, name, place, kept }) => {
      if (kept) know(file, kept.id, kept.pixels);
      return Object.assign(this.#make(file, name, tooLarge), { place, shelved: true, noted: kept?.id });
    });
    if (!found.length) return 0;
    this.list.unshift(...found);
    this.chosen ??= found[0];
    this.#tellList();
    this.pump();
    return found.length;
  }

  /** Have the browser keep photos for a reload, the first ones up to a bound. */
  async #shelve() {
    this.shelving += 1;
    await this.#put();
    this.shelving -= 1;
    this.dispatchEvent(new Event("shelf"));
  }

  async #put() {
    let room = shelf.MOST.bytes;
    for (const picture of this.list.slice(0, shelf.MOST.count)) {
      room -= picture.file.size;
      if (room < 0) break;
      if (picture.shelved || picture.final) continue;
      picture.shelved = true;
      picture.shelved = await shelf.put(picture);
      if (!this.list.includes(picture)) shelf.drop([picture]);
    }
  }

  /** How many photos a reload would lose. */
  get unshelved() {
    return this.list.filter(({ shelved, final }) => !shelved && !final).length;
  }

  choose(picture) {
    this.chosen = picture;
    this.#tellList();
    this.pump();
  }

  /** Take photos out. Returns how to `undo` that, and how to `settle` it, after which it can't be undone. */
  takeOut(pictures) {
    const before = { list: this.list, chosen: this.chosen };
    const index = this.list.indexOf(this.chosen);
    this.list = this.list.filter((picture) => !pictures.includes(picture));
    if (pictures.includes(this.chosen)) this.chosen = this.list[Math.min(index, this.list.length - 1)] ?? null;
    for (const picture of pictures) picture.rest();
    shelf.drop(pictures);
    this.#tellList();
    this.pump();
    return {
      undo: () => {
        const added = this.list.filter((picture) => !before.list.includes(picture));
        this.list = [...before.list, ...added];
        this.chosen = before.chosen;
        for (const picture of pictures) picture.shelved = picture.noted = false;
        const { held } = this;
        this.outdate();
        this.#tellList();
        this.held = held;
        this.pump();
        this.#shelve();
      },
      settle: () => {
        forget(pictures.map(({ file }) => file));
        for (const picture of pictures) picture.dispose();
      },
    };
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
    const { signal } = controller;
    const soon = (result) => {
      picture.takeResult(result);
      this.#tell(picture);
    };
    this.#note(picture);
    try {
      const result = await process(picture, options, { waits, soon, wanted: () => picture === this.chosen, signal });
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

  /** Remember with a photo what the server has of it, so that a reload need not send it again. */
  #note(picture) {
    send(picture.file, picture.name, picture.life).then(
      (kept) => {
        if (picture.noted === kept.id || !picture.shelved || !this.list.includes(picture)) return;
        picture.noted = kept.id;
        shelf.note(picture, kept);
      },
      () => {}, // that is told where it is waited for
    );
  }
}
