// The Film tab: a film goes up, its progress is followed, its result comes back.

import { ApiError, at, call, jobUpdates, patiently, token, upload } from "./api.js";
import { BackgroundChooser } from "./background.js";
import { announce, byId, bytes, duration, limitBytes, make, showError } from "./dom.js";
import { preview, showFrames, showPhase, showUpload } from "./film-view.js";
import { Options } from "./options.js";

const KEPT = "film-job"; // in the session's storage, so that a reload finds the job again

const OPAQUE = ["mp4"];

const form = byId("film-options");

export class FilmTab {
  #file = null;
  #job = null;
  #controller = null;
  #urls = [];
  #formatTouched = false;
  #limit = Infinity;

  constructor() {
    this.background = new BackgroundChooser(byId("film-background"), { accept: "image/*,video/*", thing: "picture or film" });
    this.options = new Options(form, "film", this.background);
    form.addEventListener("change", ({ target }) => {
      if (target === form.elements.format) this.#formatTouched = true;
      this.#showFormat();
    });
    form.addEventListener("reset", () => (this.#formatTouched = false));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#start();
    });
    byId("film-cancel").addEventListener("click", () => this.#cancel());
    byId("film-other").addEventListener("click", () => this.#startOver());
    addEventListener("beforeunload", (event) => {
      if (this.#controller && !this.#job) event.preventDefault(); // the upload would be lost
    });
    this.#goOn();
  }

  /** Take what the server says of itself and of its options. */
  learn(about, options) {
    this.options.build(options, about);
    this.#showFormat();
    this.#limit = about.limits.film_bytes;
    const { film_bytes: size, film_seconds: seconds } = about.limits;
    byId("film-limits").textContent =
      `Up to ${limitBytes(size)} and ${duration(seconds)}. The server of this page does the work, and deletes the film afterwards.`;
    const choose = document.querySelector("#film-hero [data-choose]");
    choose.disabled = !about.films;
    showError(byId("film-hero-error"), about.films ? null : "This server can't read films. It was set up without what that needs (the extra “video”).");
  }

  get working() {
    return this.#controller !== null;
  }

  /** Show a film, ready to be started. */
  take(file) {
    if (this.working) {
      announce("A film is being worked on. Cancel it first.");
      return;
    }
    if (file.size > this.#limit) {
      const sentence = `${file.name} has ${limitBytes(file.size)}, and this server takes at most ${limitBytes(this.#limit)}.`;
      this.#reset();
      showError(byId("film-hero-error"), sentence);
      return;
    }
    this.#forget();
    this.#reset();
    this.#file = file;
    this.#open(file.name);
    byId("film-size").textContent = bytes(file.size);
    const url = this.#keep(URL.createObjectURL(file));
    preview(url, file.type || "video/", `${file.name} as it is`, "Your browser can't show this film. The server can perhaps read it all the same.");
    announce(`${file.name} is ready. Choose what you want, then start.`);
  }

  /** What browsers show is proposed; MP4 holds no transparency. */
  #showFormat() {
    const select = form.elements.format; // there is none until the server has said which
    byId("film-go").disabled = this.#file === null || this.background.incomplete || !select;
    if (!select) return;
    const { transparent } = this.background;
    for (const option of select.options) option.disabled = transparent && OPAQUE.includes(option.value);
    if (!this.#formatTouched) select.value = transparent ? "webm" : "mp4";
    else if (select.selectedOptions[0]?.disabled) select.value = "webm";
    this.options.show();
  }

  #open(name) {
    const hadFocus = byId("film-hero").contains(document.activeElement);
    byId("film-hero").hidden = true;
    byId("film-workspace").hidden = false;
    byId("film-name").textContent = name;
    if (hadFocus) form.querySelector("input:checked").focus();
    this.#showFormat();
  }

  #reset() {
    this.#file = null;
    for (const url of this.#urls) URL.revokeObjectURL(url);
    this.#urls = [];
    byId("film-view").replaceChildren();
    byId("film-hero").hidden = false;
    byId("film-workspace").hidden = true;
    byId("film-size").textContent = "";
    showError(byId("film-error"), null);
    showError(byId("film-hero-error"), null);
    this.#showResult(null);
  }

  #keep(url) {
    this.#urls.push(url);
    return url;
  }

  #body() {
    const { fields, file } = this.options.answer;
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    if (file) body.append("background_image", file, file.name);
    body.append("file", this.#file, this.#file.name);
    return body;
  }

  async #start() {
    if (this.working || !this.#file || this.background.incomplete) return;
    this.#forget();
    showError(byId("film-error"), null);
    this.#showResult(null);
    await this.#during(async (signal) => {
      showPhase("Uploading", 0, "");
      const send = () => upload("api/jobs", this.#body(), (done, total) => showUpload(done, total ?? this.#file.size), signal);
      const job = await patiently(send, () => showPhase("The server is busy. The film goes on in a moment.", null, ""), signal);
      this.#remember({ id: job.id, name: this.#file.name });
      await this.#follow(signal);
    });
  }

  /** After a reload: the film may still be worked on, or be done. */
  async #goOn() {
    try {
      this.#job = JSON.parse(sessionStorage.getItem(KEPT));
    } catch {
      this.#job = null;
    }
    if (!this.#job) return;
    this.#open(this.#job.name);
    await this.#during((signal) => this.#follow(signal));
  }

  /** Show that something goes on, and what comes of it. */
  async #during(action) {
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    this.#showWorking(true);
    try {
      await action(signal);
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    } finally {
      this.#controller = null;
      this.#showWorking(false);
    }
  }

  async #follow(signal) {
    const disturbed = () => showPhase("The connection was lost. Trying again …", null, "");
    showPhase("Waiting for the server", null, "");
    for await (const job of jobUpdates(this.#job.id, signal, disturbed)) {
      if (job.state === "queued") showPhase("Waiting for its turn", null, "Other films come first.");
      else if (job.state === "running") showFrames(job);
      else if (job.state === "failed") throw new ApiError(job.error ?? "The film could not be done.", 422);
      else if (job.state === "done") await this.#finish(job);
      else announce("The film was cancelled.");
      if (job.state === "cancelled") this.#forget();
    }
  }

  async #finish(job) {
    const path = `api/jobs/${encodeURIComponent(job.id)}/result`;
    let url = at(path).href;
    if (token()) {
      // links can't carry the token
      showPhase("Fetching the result", null, "");
      url = this.#keep(URL.createObjectURL(await (await call(path)).blob()));
    }
    this.#showResult(job, url);
    announce(`${job.result.name} is done.`);
  }

  #fail(error) {
    const gone = error instanceof ApiError && error.status === 404;
    showError(byId("film-error"), gone ? "The server no longer has this film. Choose it again." : error.message);
    if (error instanceof ApiError && error.status >= 400) this.#forget();
  }

  async #cancel() {
    const job = this.#job;
    this.#controller?.abort();
    if (job) {
      await call(`api/jobs/${encodeURIComponent(job.id)}/cancel`, { method: "POST" }).catch(() => {});
      this.#forget();
    }
    if (!this.#file) this.#reset();
    announce("The film was cancelled.");
  }

  #startOver() {
    if (this.working) this.#cancel();
    this.#forget();
    this.#reset();
    document.querySelector("#film-hero [data-choose]").focus();
  }

  #remember(job) {
    this.#job = job;
    sessionStorage.setItem(KEPT, JSON.stringify(job));
  }

  /** Have the server delete the job, as nobody will ask for it again. */
  #forget() {
    if (!this.#job) return;
    call(`api/jobs/${encodeURIComponent(this.#job.id)}`, { method: "DELETE" }).catch(() => {});
    this.#job = null;
    sessionStorage.removeItem(KEPT);
  }

  #showWorking(working) {
    const had = [byId("film-work"), form].some((part) => part.contains(document.activeElement));
    byId("film-work").hidden = !working;
    byId("film-stage").setAttribute("aria-busy", String(working));
    byId("film-stage").classList.toggle("working", working);
    if (working) byId("film-stage").scrollIntoView({ block: "nearest" });
    form.inert = working;
    if (!working) document.title = "transparent-background";
    this.#showFormat();
    if (!had) return;
    // what had the focus is gone or asleep
    if (working) byId("film-cancel").focus();
    else if (!byId("film-download").hidden) byId("film-download").focus();
    else if (this.#file) byId("film-go").focus();
  }

  #showResult(job, url) {
    const link = byId("film-download");
    const notes = byId("film-notes");
    link.hidden = !job;
    notes.replaceChildren();
    if (!job) return;
    const { name, bytes: size, media_type: type } = job.result;
    link.href = url;
    link.download = name;
    byId("film-name").textContent = name;
    byId("film-size").textContent = bytes(size);
    preview(url, type, `${name}, the result`, `${name} is ready. Your browser can't show this format: download it.`);
    for (const note of job.notes) notes.append(make("li", {}, note));
    if (job.expires) notes.append(make("li", {}, `The server keeps the result for ${duration(job.expires)}.`));
  }
}
