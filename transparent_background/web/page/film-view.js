// What is shown of a film: the film itself, and how far the work on it is.

import { byId, bytes, duration, fit, icon, make } from "./dom.js";

const view = byId("film-view");

/** Say what is going on; `percent` is null where that isn't known. */
export function showPhase(phase, percent, detail) {
  byId("film-phase").textContent = phase;
  byId("film-detail").textContent = detail;
  const bar = byId("film-progress");
  if (percent === null) bar.removeAttribute("value");
  else bar.value = percent;
  document.title = percent === null ? phase : `${Math.floor(percent)} % – ${phase}`;
}

/** Bytes that have gone up, of all. */
export function showUpload(done, whole) {
  if (done >= whole) showPhase("The server looks at the film", null, "");
  else showPhase("Uploading", (100 * done) / whole, `${bytes(done)} of ${bytes(whole)}`);
}

/** How far a job is, as the server tells. */
export function showFrames({ frames, total, fps, remaining }) {
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
