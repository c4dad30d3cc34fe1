// What was taken from the page can be had back for some seconds.

import { announce, byId } from "./dom.js";

const SECONDS = 10;

const bar = byId("undo");
const button = byId("undo-button");
let last = null; // { undo, settle, otherwise, timer }

/**
 * Offer to undo something: `undo()` if it is taken, `settle()` if not, or if something else is offered.
 * `otherwise` is the element that has the focus when the button that had it goes.
 */
export function offerUndo(sentence, undo, settle, otherwise) {
  finish();
  byId("undo-sentence").textContent = sentence;
  announce(`${sentence} It can be undone for ${SECONDS} seconds.`);
  bar.hidden = false;
  last = { undo, settle, otherwise };
  wait();
}

function wait() {
  clearTimeout(last?.timer);
  if (last) last.timer = setTimeout(finish, SECONDS * 1000);
}

/** Let it be as it is now. */
function finish() {
  const offer = close();
  offer?.settle();
}

function close() {
  const offer = last;
  last = null;
  clearTimeout(offer?.timer);
  const focused = bar.contains(document.activeElement);
  bar.hidden = true;
  if (focused) offer?.otherwise()?.focus();
  return offer;
}

button.addEventListener("click", () => close()?.undo());
for (const kind of ["pointerenter", "focusin"]) bar.addEventListener(kind, () => clearTimeout(last?.timer)); // who is there decides
for (const kind of ["pointerleave", "focusout"]) bar.addEventListener(kind, wait);
