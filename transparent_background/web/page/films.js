// The films of this window: what is sent, followed, cancelled and remembered, one after another.

import { ApiError, at, call, jobUpdates, patiently, token, upload } from "./api.js";

const KEPT = "films"; // in the browser's storage, so that a reload finds the jobs again
const AT_ONCE = 2; // films on the server: while one is worked on, the next one is there already
const MISSED = 600; // seconds after which the server gives up a film whose page is not heard of any more
const AWAY = 30; // the same once the page has said that it goes: it may only be loaded again
export const OVER = ["done", "failed", "cancelled"];
const GOING = ["uploading", "queued", "running"];

let lastId = 0;

/** One film: the file, if this window has it, and how far the work on it is. */
class Film {
  constructor(file, name) {
    lastId += 1;
    this.number = lastId;
    this.file = file;
    this.name = name;
    this.url = file && URL.createObjectURL(file);
    this.state = "ready"; // waiting, uploading, queued, running, done, failed, cancelled
    this.answer = null; // the options that it was started with
    this.stays = false; // whether it goes on without this page
    this.known = null; // what the server said last
    this.job = null; // its id there
    this.error = null;
    this.note = null; // what disturbs it
    this.uploaded = [0, null];
    this.resultUrl = null;
    this.controller = null;
  }

  get going() {
    return GOING.includes(this.state);
  }

  /** Whether it can be started, perhaps again. */
  get startable() {
    return this.file !== null && !this.going && this.state !== "waiting";
  }

  dropResult() {
    if (this.resultUrl?.startsWith("blob:")) URL.revokeObjectURL(this.resultUrl);
    this.resultUrl = null;
  }
}

/** Sends `change` with the film as detail when one is in another state, and `list` when they are others. */
export class Films extends EventTarget {
  #own = new Set(); // jobs of this window, those that it has forgotten as well

  constructor() {
    super();
    this.list = [];
    this.chosen = null;
    addEventListener("pagehide", () => this.#leave());
  }

  #tell(film) {
    this.dispatchEvent(new CustomEvent("change", { detail: film }));
  }

  #tellList() {
    this.dispatchEvent(new Event("list"));
  }

  #set(film, values) {
    Object.assign(film, values);
    this.#tell(film);
  }

  add(files) {
    const added = files.map((file) => new Film(file, file.name));
    this.list.push(...added);
    this.choose(added[0] ?? this.chosen);
  }

  choose(film) {
    this.chosen = film;
    this.#tellList();
  }

  /** Take a film from the list; the server forgets it. */
  remove(film) {
    const index = this.list.indexOf(film);
    film.controller?.abort();
    this.#forget(film);
    film.dropResult();
    if (film.url) URL.revokeObjectURL(film.url);
    this.list.splice(index, 1);
    if (this.chosen === film) this.chosen = this.list[Math.min(index, this.list.length - 1)] ?? null;
    this.#tellList();
    this.#pump();
  }

  /** Start films with what the options say now. */
  start(films, answer) {
    for (const film of films) {
      this.#forget(film);
      film.dropResult();
      this.#set(film, { state: "waiting", answer, known: null, error: null });
    }
    this.#pump();
  }

  cancel(film) {
    film.controller?.abort();
    this.#forget(film);
    this.#set(film, { state: "cancelled", controller: null, note: null });
    this.#pump();
  }

  /** Say whether a film goes on when this page is closed. */
  stay(film, stays) {
    film.stays = stays;
    this.#remember();
    if (film.job) this.#patience(film, stays ? null : MISSED);
    this.#tell(film);
  }

  /** Whether leaving would lose a film that is not on the server yet. */
  get unsent() {
    return this.list.some(({ state }) => state === "waiting" || state === "uploading");
  }

  #pump() {
    for (const film of this.list.filter(({ state }) => state === "waiting")) {
      const going = this.list.filter((other) => other.going);
      if (going.length >= AT_ONCE || going.some(({ state }) => state === "uploading")) return;
      this.#during(film, (signal) => this.#send(film, signal));
    }
  }

  async #during(film, action) {
    const controller = new AbortController();
    film.controller = controller;
    try {
      await action(controller.signal);
    } catch (error) {
      if (controller.signal.aborted) return;
      const gone = error instanceof ApiError && error.status === 404;
      this.#set(film, { state: "failed", error: gone ? "The server no longer has this film. Choose it again." : error.message });
      if (error instanceof ApiError && error.status >= 400) this.#forget(film);
    }
    film.controller = null;
    this.#pump();
  }

  async #send(film, signal) {
    const { fields, file } = film.answer;
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    if (!film.stays) body.append("abandon", MISSED);
    if (file) body.append("background_image", file, file.name);
    body.append("file", film.file, film.name);
    const progress = (done, total) => this.#set(film, { uploaded: [done, total ?? film.file.size], note: null });
    this.#set(film, { state: "uploading", uploaded: [0, film.file.size] });
    const busy = () => this.#set(film, { note: "The server is busy. The film goes on in a moment." });
    const known = await patiently(() => upload("api/jobs", body, progress, signal), busy, signal);
    film.job = known.id;
    this.#remember();
    this.#set(film, { state: known.state, known, note: null });
    this.#pump();
    await this.#follow(film, signal);
  }

  async #follow(film, signal) {
    const disturbed = () => this.#set(film, { note: "The connection was lost. Trying again …" });
    for await (const known of jobUpdates(film.job, signal, disturbed)) {
      film.note = null;
      if (known.state === "done") film.resultUrl = await this.#result(film, known);
      if (signal.aborted) return;
      const abandoned = known.state === "cancelled" && known.error; // while this page was away
      this.#set(film, { state: known.state, known, error: abandoned ? `The server cancelled this film: ${known.error}.` : known.error });
      if (known.state === "failed" || known.state === "cancelled") this.#forget(film);
    }
    this.#remember();
  }

  async #result(film) {
    const path = `api/jobs/${encodeURIComponent(film.job)}/result`;
    if (!token()) return at(path).href;
    this.#set(film, { note: "Fetching the result" }); // links can't carry the token
    return URL.createObjectURL(await (await call(path)).blob());
  }

  /** After a reload: films may still be worked on, or be done. */
  goOn() {
    for (const { job, name, stays } of recall()) {
      this.#own.add(job);
      const film = Object.assign(new Film(null, name), { job, stays, state: "queued" });
      this.list.push(film);
      this.chosen ??= film;
      if (!stays) this.#patience(film, MISSED);
      this.#during(film, (signal) => this.#follow(film, signal));
    }
    if (this.list.length) this.#tellList();
  }

  #patience({ job }, seconds, options = {}) {
    const query = seconds === null ? "" : `?after=${seconds}`;
    call(`api/jobs/${encodeURIComponent(job)}/abandon${query}`, { method: "POST", ...options }).catch(() => {});
  }

  #leave() {
    for (const film of this.list) {
      if (film.job && film.going && !film.stays) this.#patience(film, AWAY, { keepalive: true });
    }
  }

  /** Have the server stop or delete a job, as nobody will ask for it again. */
  #forget(film) {
    if (!film.job) return;
    call(`api/jobs/${encodeURIComponent(film.job)}`, { method: "DELETE" }).catch(() => {});
    film.job = null;
    this.#remember();
  }

  /** What this window started is found by its reload; what goes on without it, by any window that is opened later. */
  #remember() {
    const entries = this.list.filter(({ job }) => job).map(({ job, name, stays }) => ({ job, name, stays }));
    for (const { job } of entries) this.#own.add(job);
    try {
      const others = stored(localStorage).filter(({ job }) => !this.#own.has(job));
      sessionStorage.setItem(KEPT, JSON.stringify(entries));
      localStorage.setItem(KEPT, JSON.stringify([...others, ...entries.filter(({ stays }) => stays)]));
    } catch {
      // storage may be forbidden; then a reload loses sight of them
    }
  }
}

const stored = (storage) => JSON.parse(storage.getItem(KEPT) ?? "[]");

function recall() {
  try {
    const kept = [sessionStorage, localStorage].flatMap(stored);
    return kept.filter(({ job }, index) => kept.findIndex((other) => other.job === job) === index);
  } catch {
    return [];
  }
}
