// What is shown of a film: the film itself, and how far the work on it is.

import { byId, bytes, duration, fit, icon, make } from "./dom.js";

const view = byId("film-view");

/** Say what is going on; `percent` is null where that isn't known. */
function showPhase(phase, percent, detail) {
  byId("film-phase").textContent = phase;
  byId("film-detail").textContent = detail;
  const bar = byId("film-progress");
  if (percent === null) bar.removeAttribute("value");
  else bar.value = percent;
  document.title = percent === null ? phase : `${Math.floor(percent)} % – ${phase}`;
}

/** Say how far a film is on which something is done, or that waits for it. */
export function showPhaseOf(film) {
  const { state, known, note, uploaded } = film;
  if (note) showPhase(note, null, "");
  else if (state === "waiting") showPhase("Waiting for its turn", null, "It is sent when another film of yours is done.");
  else if (state === "uploading") showUpload(...uploaded);
  else if (state === "running") showFrames(known);
  else if (known) showPhase("Waiting for its turn", null, comesFirst(known));
  else showPhase("Waiting for the server", null, "");
}

/** Films of others are among them. */
function comesFirst({ position }) {
  return position === 1 ? "one film comes first" : `${position ?? 0} films come first`;
}

/** Where a film is, in a few words. */
export function wordsOf({ state, known, note, uploaded: [done, whole], file }) {
  if (state === "uploading" && !note) return done < whole ? `Uploading, ${Math.floor((100 * done) / whole)} %` : "The server looks at it";
  if (state === "queued" && known) return known.position ? `Waits, ${comesFirst(known)}` : "Waits for its turn";
  if (state === "running" && known.total) return `${Math.floor((100 * known.frames) / known.total)} % done`;
  if (state === "running") return `Frame ${known.frames}`;
  if (state === "done") return `Done, ${bytes(known.result.bytes)}`;
  const words = { ready: `Not started, ${bytes(file?.size ?? 0)}`, waiting: "Waits to be sent", failed: "Did not work", cancelled: "Cancelled" };
  return note ?? words[state] ?? "Waits for the server";
}

/** Bytes that have gone up, of all. */
function showUpload(done, whole) {
  if (done >= whole) showPhase("The server looks at the film", null, "");
  else showPhase("Uploading", (100 * done) / whole, `${bytes(done)} of ${bytes(whole)}`);
}

/** How far a job is, as the server tells. */
function showFrames({ frames, total, fps, remaining }) {
  const words = [total ? `Frame ${frames} of ${total}` : `Frame ${frames}`];
  if (fps > 0) words.push(`${fps < 10 ? fps.toFixed(1) : Math.round(fps)} a second`);
  if (remaining !== null && frames > 0) words.push(`about ${duration(remaining)} left`);
  showPhase("Removing the background", total ? Math.min(100, (100 * frames) / total) : null, words.join(", "));
}

/** Show a film or an animation, or the sentence `otherwise` where the browser can't. */
export function preview(url, type, label, otherwise) {
  const cannot = () => view.replaceChildren(make("div", { className: "film-blank" }, icon("film"), make("p", {}, otherwise)));
  if (type.startsWith("image/")) {
    const image = make("img", { src: url, alt: label, onerror: cannot });
    image.onload = () => fit(image, image.naturalWidth, image.naturalHeight);
    view.replaceChildren(image);
    return;
  }
  const video = make("video", { src: url, controls: true, loop: true, playsInline: true, onerror: cannot });
  video.onloadedmetadata = () => (video.videoWidth ? fit(video, video.videoWidth, video.videoHeight) : cannot());
  video.setAttribute("aria-label", label);
  view.replaceChildren(video);
}
