// What the forms have in common: values beside sliders, fields that depend on others, models; and
// what the photos' form says to the server.

import { make } from "./dom.js";

const LOSSY = ["jpg", "webp", "avif"];
const FLAT = ["jpg"];
const FORMATS = {
  png: "PNG: transparent, exact",
  webp: "WebP: transparent, small",
  avif: "AVIF: transparent, smallest",
  tiff: "TIFF: transparent, for print",
  jpg: "JPEG: small, never transparent",
};

/** Keep a form's outputs and dependent fields right; `depends` gives whether each is shown. */
export function wire(form, depends) {
  const show = () => {
    for (const output of form.querySelectorAll("output")) {
      const input = form.querySelector(`#${output.htmlFor}`);
      output.textContent = `${input.value}${input.dataset.unit ?? ""}`;
      if (input.dataset.unit) input.setAttribute("aria-valuetext", output.textContent);
    }
    const shown = depends();
    for (const field of form.querySelectorAll("[data-if]")) field.hidden = !shown[field.dataset.if];
  };
  form.addEventListener("input", show);
  form.addEventListener("change", show);
  form.addEventListener("reset", () => setTimeout(show)); // after the fields were reset
  show();
}

/** Offer the server's models in every form. */
export function offerModels(about) {
  for (const select of document.querySelectorAll("[data-models]")) {
    const chosen = select.value;
    const note = select.parentElement.querySelector("[data-model-note]");
    select.replaceChildren(
      ...about.models.map(({ name }) => make("option", { value: name, defaultSelected: name === about.default }, name)),
    );
    if (about.models.some(({ name }) => name === chosen)) select.value = chosen;
    const describe = () => {
      const model = about.models.find(({ name }) => name === select.value);
      note.textContent = model?.description ?? "";
    };
    select.onchange = describe;
    describe();
    select.form.addEventListener("reset", () => setTimeout(describe));
  }
}

export function offerPhotoFormats(form, about) {
  const select = form.elements.format;
  const known = Object.keys(FORMATS).filter((name) => about.formats.includes(name));
  const others = about.formats.filter((name) => !(name in FORMATS));
  const chosen = select.value;
  select.replaceChildren(
    ...[...known, ...others].map((name) =>
      make("option", { value: name, defaultSelected: name === "png" }, FORMATS[name] ?? name.toUpperCase()),
    ),
  );
  select.value = chosen;
}

/** Which dependent fields of the photos' form are shown. */
export function photoDepends(form, background) {
  const { crop, hard, format } = form.elements;
  return {
    crop: crop.checked,
    hard: hard.checked,
    lossy: LOSSY.includes(format.value),
    flat: FLAT.includes(format.value) && background.transparent,
  };
}

/** Read the photos' form: the `fields` to send, the `file` behind, and a `key` equal for equal options. */
export function readPhotoOptions(form, background) {
  const { reverse, crop, padding, hard, threshold, foreground, resize, format, quality, background: under, mode } =
    form.elements;
  const { fields, file } = background.answer;
  const shown = photoDepends(form, background);
  fields.format = format.value;
  if (mode.value) fields.mode = mode.value;
  if (reverse.checked) fields.reverse = "true";
  if (crop.checked) fields.crop = `${padding.value}%`;
  if (hard.checked) fields.threshold = String(threshold.value / 100);
  if (foreground.value !== "auto") fields.foreground = foreground.value;
  if (resize.value) fields.resize = resize.value;
  if (shown.lossy) fields.quality = quality.value;
  if (shown.flat) fields.background = under.value;
  return { fields, file, key: JSON.stringify([fields, background.key]) };
}
