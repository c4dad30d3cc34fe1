// Results of the photos: each photo goes up once, and is asked for by the id that the server gave it.

import { ApiError, call, fileName, patiently } from "./api.js";

const VIEWABLE = ["png", "jpg", "webp", "avif"]; // formats that browsers show
const LARGE = 6e6; // pixels; of larger photos a small result is shown first
const PREVIEW = 1600; // pixels of its longer side
const THUMBNAIL = 176;
const AWAY = 30; // seconds that the server waits for a page that may only have been reloaded

const sent = new WeakMap(); // file -> promise of what the server says of it
const ids = new Map(); // id -> the promise it came of

/** Take it that the server has a file under an id, as before a reload. */
export function know(file, id, pixels) {
  const kept = Promise.resolve({ id, pixels });
  sent.set(file, kept);
  ids.set(id, kept);
}

/** Send a file unless that was done; resolves with its `id` and `pixels`. */
export function send(file, name, signal) {
  if (!sent.has(file)) {
    const going = upload(file, name, signal);
    sent.set(file, going);
    going.then(
      ({ id }) => ids.set(id, going),
      () => sent.get(file) === going && sent.delete(file),
    );
  }
  return sent.get(file);
}

async function upload(file, name, signal) {
  const form = new FormData();
  form.append("file", file, name);
  const { id, width, height } = await (await call("api/pictures", { method: "POST", body: form, signal })).json();
  return { id, pixels: width * height };
}

/** Have the server forget files. */
export async function forget(files) {
  const known = await Promise.all(files.map((file) => sent.get(file)?.catch(() => null)));
  for (const file of files) sent.delete(file);
  const gone = known.filter(Boolean).map(({ id }) => id);
  for (const id of gone) ids.delete(id);
  if (gone.length) tell(gone, 0);
}

/** Have the server forget all, unless they are asked for soon: the page goes, or is only loaded again. */
export function leave() {
  if (ids.size) tell([...ids.keys()], AWAY);
}

function tell(gone, after) {
  const body = JSON.stringify({ ids: gone.slice(0, 1000), after });
  const headers = { "Content-Type": "application/json" };
  call("api/pictures/forget", { method: "POST", body, headers, keepalive: true }).catch(() => {});
}

/**
 * Have the server do one photo. A format that browsers can't show is asked for beside one they can. `soon` is
 * called with a small result of a large photo before the whole is done, if `wanted()` says so.
 */
export async function process(picture, options, { waits, soon, wanted, signal }) {
  const ask = (fields) => patiently(() => result(picture, fields, options.file, signal), waits, signal);
  const { pixels } = await patiently(() => send(picture.file, picture.name, picture.life), waits, signal);
  signal.throwIfAborted();
  if (pixels > LARGE && wanted()) {
    const { quality, ...fields } = options.fields;
    const small = await ask({ ...fields, format: "png", largest: PREVIEW }).catch(() => null);
    signal.throwIfAborted();
    if (small) soon({ ...small, url: URL.createObjectURL(small.blob), thumbnail: null, small: true });
  }
  const file = await ask(options.fields);
  const shown = VIEWABLE.includes(options.fields.format) ? file : await ask({ ...options.fields, format: "png" });
  return {
    ...file,
    key: options.key,
    url: URL.createObjectURL(shown.blob),
    thumbnail: await makeThumbnail(shown.blob),
  };
}

/** Ask for a result; what the server has forgotten is sent again. */
async function result(picture, fields, behind, signal) {
  for (let tries = 0; ; tries += 1) {
    const { id } = await send(picture.file, picture.name, picture.life);
    const query = new URLSearchParams(fields);
    if (behind) query.set("behind", (await send(behind, behind.name)).id);
    try {
      const response = await call(`api/pictures/${encodeURIComponent(id)}/result?${query}`, { signal });
      const stem = picture.name.replace(/\.[^.]*$/, "");
      const name = fileName(response, `${stem}_${fields.type ?? "background"}.${fields.format}`);
      return { blob: await response.blob(), name, box: boxOf(response) };
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404 || tries > 2) throw error;
      const gone = /^behind:/i.test(error.message) ? behind : picture.file;
      ids.delete(gone === behind ? query.get("behind") : id);
      sent.delete(gone);
    }
  }
}

function boxOf(response) {
  const box = response.headers.get("X-Crop-Box")?.split(",").map(Number);
  return box?.length === 4 && box.every(Number.isFinite) ? box : null;
}

/** A small copy, so that a hundred large photos fit into memory; null if the browser can't read it. */
export async function makeThumbnail(blob) {
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
