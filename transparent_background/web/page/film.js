// The Film tab: the list of films, what is shown of the chosen one, and what is done with it.

import { BackgroundChooser } from "./background.js";
import { announce, byId, bytes, duration, icon, limitBytes, make, showError } from "./dom.js";
import { preview, showPhaseOf, wordsOf } from "./film-view.js";
import { Films, OVER } from "./films.js";
import { Options } from "./options.js";

const OPAQUE = ["mp4"];

const form = byId("film-options");
const listed = byId("film-list");

export class FilmTab {
  #formatTouched = false;
  #limit = Infinity;
  #entries = new Map(); // film -> its element in the list
  #shown = null; // what the stage shows, so that it is not set up again for nothing
  #working = false;

  constructor() {
    this.background = new BackgroundChooser(byId("film-background"), { accept: "image/*,video/*", thing: "picture or film" });
    this.options = new Options(form, "film", this.background);
    this.films = new Films();
    this.films.addEventListener("list", () => this.#showList());
    this.films.addEventListener("change", ({ detail }) => this.#showFilm(detail));
    form.addEventListener("change", ({ target }) => {
      if (target === form.elements.format) this.#formatTouched = true;
      this.#showForm();
    });
    form.addEventListener("reset", () => (this.#formatTouched = false));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#start();
    });
    byId("film-cancel").addEventListener("click", () => this.#cancel(this.films.chosen));
    byId("film-stays").addEventListener("change", ({ target }) => this.films.stay(this.films.chosen, target.checked));
    listed.addEventListener("change", ({ target }) => {
      const film = this.films.list.find(({ number }) => String(number) === target.value);
      if (film) this.films.choose(film);
    });
    addEventListener("beforeunload", (event) => {
      if (this.films.unsent) event.preventDefault(); // it would be lost
    });
    this.films.goOn();
  }

  /** Take what the server says of itself and of its options. */
  learn(about, options) {
    this.options.build(options, about);
    this.#limit = about.limits.film_bytes;
    this.#showForm();
    const { film_bytes: size, film_seconds: seconds } = about.limits;
    byId("film-limits").textContent =
      `Up to ${limitBytes(size)} and ${duration(seconds)}. The server of this page does the work, and deletes the film afterwards.`;
    const choose = document.querySelector("#film-hero [data-choose]");
    choose.disabled = !about.films;
    showError(byId("film-hero-error"), about.films ? null : "This server can't read films. It was set up without what that needs (the extra “video”).");
  }

  /** Put films on the list, ready to be started. */
  take(files) {
    const fit = files.filter((file) => file.size <= this.#limit);
    const large = files.filter((file) => !fit.includes(file));
    if (fit.length) this.films.add(fit);
    const words = large.map((file) => `${file.name} has ${limitBytes(file.size)}, and this server takes at most ${limitBytes(this.#limit)}.`);
    showError(byId(this.films.list.length ? "film-refused" : "film-hero-error"), words.join(" ") || null);
    if (fit.length === 1) announce(`${fit[0].name} is ready. Choose what you want, then start.`);
    else if (fit.length) announce(`${fit.length} films are ready. Choose what you want, then start.`);
  }

  /** The films that a start would begin: those that wait for one, and the chosen one, perhaps again. */
  get #startable() {
    const { list, chosen } = this.films;
    return list.filter((film) => film.state === "ready" || (film === chosen && film.startable));
  }

  #start() {
    const films = this.#startable;
    if (!films.length || this.background.incomplete) return;
    this.films.start(films, this.options.answer);
  }

  #cancel(film) {
    this.films.cancel(film);
    announce("The film was cancelled.");
    if (!film.file) this.#remove(film); // it can't be started again
  }

  #remove(film) {
    const hadFocus = listed.contains(document.activeElement);
    this.films.remove(film);
    if (!this.films.chosen) document.querySelector("#film-hero [data-choose]").focus();
    else if (hadFocus) this.#entries.get(this.films.chosen).querySelector("input").focus();
  }

  /** What browsers show is proposed; MP4 holds no transparency. */
  #showForm() {
    const select = form.elements.format; // there is none until the server has said which
    const films = this.#startable;
    const go = byId("film-go");
    go.disabled = !films.length || this.background.incomplete || !select;
    go.textContent = films.length > 1 ? `Remove ${films.length} backgrounds` : "Remove the background";
    form.inert = this.films.chosen !== null && !films.length;
    if (!select) return;
    const { transparent } = this.background;
    for (const option of select.options) option.disabled = transparent && OPAQUE.includes(option.value);
    if (!this.#formatTouched) select.value = transparent ? "webm" : "mp4";
    else if (select.selectedOptions[0]?.disabled) select.value = "webm";
    this.options.show();
  }

  #showList() {
    const { list, chosen } = this.films;
    const hadFocus = byId("film-hero").contains(document.activeElement);
    byId("film-hero").hidden = list.length > 0;
    byId("film-workspace").hidden = list.length === 0;
    for (const [film, entry] of this.#entries) {
      if (list.includes(film)) continue;
      entry.remove();
      this.#entries.delete(film);
    }
    for (const film of list) {
      if (!this.#entries.has(film)) {
        this.#entries.set(film, this.#makeEntry(film));
        listed.append(this.#entries.get(film));
      }
      this.#showEntry(film);
    }
    if (!chosen) {
      this.#shown = null;
      byId("film-view").replaceChildren();
      return;
    }
    this.#entries.get(chosen).querySelector("input").checked = true;
    if (hadFocus) form.querySelector("input:checked").focus(); // the button that had the focus is gone
    this.#showChosen();
  }

  #makeEntry(film) {
    const input = make("input", { type: "radio", name: "film", value: String(film.number), className: "visually-hidden" });
    const words = make("span", { className: "film-words" }, make("strong", {}, film.name), make("span", { className: "fine" }));
    const close = make("button", { type: "button", className: "icon-button" }, icon("close"));
    close.addEventListener("click", () => (film.going || film.state === "waiting" ? this.#cancel(film) : this.#remove(film)));
    return make("li", {}, make("label", {}, input, icon("film"), words), close);
  }

  #showEntry(film) {
    const entry = this.#entries.get(film);
    entry.dataset.state = film.state;
    entry.querySelector(".fine").textContent = wordsOf(film);
    const close = entry.querySelector("button");
    close.title = film.going || film.state === "waiting" ? "Cancel" : "Remove";
    close.setAttribute("aria-label", `${close.title} ${film.name}`);
  }

  #showFilm(film) {
    if (!this.#entries.has(film)) return;
    this.#showEntry(film);
    if (film === this.films.chosen) this.#showChosen();
    else this.#showForm();
    const sentence = { done: `${film.known?.result?.name} is done.`, failed: `${film.name}: ${film.error}` }[film.state];
    if (sentence && film.said !== film.state) announce(sentence);
    film.said = film.state;
  }

  #showChosen() {
    const film = this.films.chosen;
    const done = film.state === "done" && film.resultUrl;
    showError(byId("film-error"), film.error && OVER.includes(film.state) ? film.error : null);
    byId("film-name").textContent = done ? film.known.result.name : film.name;
    byId("film-size").textContent = done ? bytes(film.known.result.bytes) : film.file ? bytes(film.file.size) : "";
    byId("film-stays").checked = film.stays;
    byId("film-stays-field").hidden = film.state === "waiting" || film.state === "uploading";
    this.#showView(film, done);
    this.#showResult(film, done);
    this.#showWorking(film);
  }

  /** Show the result, or the film as it is. */
  #showView(film, done) {
    const key = `${film.number} ${done ? film.resultUrl : film.url}`;
    if (this.#shown === key) return;
    this.#shown = key;
    if (done) {
      const { name, media_type: type } = film.known.result;
      preview(film.resultUrl, type, `${name}, the result`, `${name} is ready. Your browser can't show this format: download it.`);
    } else if (film.url) {
      preview(film.url, film.file.type || "video/", `${film.name} as it is`, "Your browser can't show this film. The server can perhaps read it all the same.");
    } else {
      byId("film-view").replaceChildren();
    }
  }

  #showWorking(film) {
    const working = film.going || film.state === "waiting";
    const focused = document.activeElement;
    const had = byId("film-work").contains(focused) || form.contains(focused);
    byId("film-work").hidden = !working;
    byId("film-stage").setAttribute("aria-busy", String(working));
    byId("film-stage").classList.toggle("working", working);
    if (working) showPhaseOf(film);
    else document.title = "transparent-background";
    const began = working && !this.#working;
    const ended = !working && this.#working;
    this.#working = working;
    this.#showForm();
    if (began) byId("film-stage").scrollIntoView({ block: "nearest" });
    if (!had || !(began || ended)) return;
    // what had the focus is gone or asleep
    if (working) byId("film-cancel").focus();
    else if (!byId("film-download").hidden) byId("film-download").focus();
    else if (film.file) byId("film-go").focus();
  }

  #showResult(film, done) {
    const link = byId("film-download");
    const notes = byId("film-notes");
    link.hidden = !done;
    notes.replaceChildren();
    if (!done) return;
    const { notes: words, expires, result } = film.known;
    link.href = film.resultUrl;
    link.download = result.name;
    for (const note of words) notes.append(make("li", {}, note));
    if (expires) notes.append(make("li", {}, `The server keeps the result for ${duration(expires)}.`));
  }
}
