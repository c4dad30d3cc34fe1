// The server's HTTP interface: tokens, errors as sentences, busy servers, uploads, films' progress.

import { byId, sleep } from "./dom.js";

const HOME = new URL("../", import.meta.url); // a proxy may show the service under a path
const TOKEN = "token";
const UNREACHABLE = "The server can't be reached. It may have been stopped, or the network is away.";

/** The address of something that the server has. */
export const at = (path) => new URL(path, HOME);

/** What went wrong, as a sentence. `status` is 0 if there was no answer. */
export class ApiError extends Error {
  constructor(sentence, status = 0, retryAfter = 0) {
    super(sentence);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

export function token() {
  try {
    return sessionStorage.getItem(TOKEN);
  } catch {
    return null;
  }
}

let asking = null;

/** Ask for the token; false if the user would rather not. One dialog for all that wait. */
function askForToken() {
  asking ??= new Promise((resolve) => {
    const [dialog, form, input] = [byId("token-dialog"), byId("token-form"), byId("token-input")];
    const finish = (given) => {
      form.onsubmit = dialog.oncancel = byId("token-cancel").onclick = null;
      dialog.close();
      input.value = "";
      asking = null;
      resolve(given);
    };
    byId("token-error").hidden = token() === null;
    form.onsubmit = (event) => {
      event.preventDefault();
      sessionStorage.setItem(TOKEN, input.value.trim());
      finish(true);
    };
    byId("token-cancel").onclick = () => finish(false);
    dialog.oncancel = (event) => {
      event.preventDefault();
      finish(false);
    };
    dialog.showModal();
    input.focus();
  });
  return asking;
}

/** Whether to try again after a 401 that came for the token `used`. */
async function mayTryAgain(used) {
  if (token() !== used) return true; // somebody else has asked meanwhile
  return askForToken();
}

function refusal(status, text, retryAfter) {
  let detail = null;
  try {
    const problem = JSON.parse(text);
    if (typeof problem.detail === "string") detail = problem.detail;
  } catch {
    // not from our server: a proxy between
  }
  if (status === 401) detail = "This server asks for a token, and did not get the right one.";
  detail ??= status === 413 ? "That is more than this server takes." : null;
  detail ??= "The server could not do it. Try again in a while.";
  return new ApiError(sentence(detail), status, retryAfter);
}

/** Begin with a capital unless it is a file's name, and end with a full stop. */
function sentence(detail) {
  const text = detail.trim();
  const capital = /^[a-z']+ /.test(text) ? text[0].toUpperCase() + text.slice(1) : text;
  return /[.!?…]$/.test(capital) ? capital : `${capital}.`;
}

function seconds(header) {
  const value = Number(header);
  return Number.isFinite(value) && value > 0 ? Math.min(value, 60) : 2;
}

/** fetch() with the token; answers that aren't good are thrown as ApiError. */
export async function call(path, options = {}) {
  for (;;) {
    const used = token();
    const headers = { ...options.headers, ...(used ? { Authorization: `Bearer ${used}` } : {}) };
    let response;
    try {
      response = await fetch(at(path), { ...options, headers });
    } catch (error) {
      if (options.signal?.aborted) throw error;
      throw new ApiError(UNREACHABLE);
    }
    if (response.ok) return response;
    if (response.status === 401 && (await mayTryAgain(used))) continue;
    const text = await response.text().catch(() => "");
    throw refusal(response.status, text, seconds(response.headers.get("Retry-After")));
  }
}

/** Do it again for as long as the server says that it is full. `waits` is told the seconds. */
export async function patiently(action, waits, signal) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof ApiError) || ![429, 503].includes(error.status) || tries >= 60) throw error;
      waits(error.retryAfter);
      await sleep(error.retryAfter * (1 + Math.random() / 4), signal);
    }
  }
}

/** The name that the server gave to what it sent. */
export function fileName(response, otherwise) {
  const header = response.headers.get("Content-Disposition") ?? "";
  const encoded = /filename\*\s*=\s*UTF-8''([^;]+)/i.exec(header);
  if (encoded) {
    try {
      return decodeURIComponent(encoded[1].trim());
    } catch {
      // then the plain one
    }
  }
  const plain = /filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]+))/i.exec(header);
  if (!plain) return otherwise;
  return plain[1] !== undefined ? plain[1].replace(/\\(.)/g, "$1") : plain[2].trim();
}

/** POST a form and follow its upload, which fetch() cannot. Resolves with the JSON that comes back. */
export async function upload(path, form, progress, signal) {
  for (;;) {
    const used = token();
    const request = await send(path, form, used, progress, signal);
    if (request.status >= 200 && request.status < 300) return JSON.parse(request.responseText);
    if (request.status === 401 && (await mayTryAgain(used))) continue;
    throw refusal(request.status, request.responseText, seconds(request.getResponseHeader("Retry-After")));
  }
}

function send(path, form, used, progress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", at(path));
    if (used) request.setRequestHeader("Authorization", `Bearer ${used}`);
    request.upload.onprogress = (event) => progress(event.loaded, event.lengthComputable ? event.total : null);
    request.onload = () => resolve(request);
    request.onerror = () => reject(new ApiError(UNREACHABLE));
    request.onabort = () => reject(signal.reason);
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(form);
  });
}

const OVER = ["done", "failed", "cancelled"];

/** A film's state whenever it changes, until it is over: by events, else by asking. */
export async function* jobUpdates(id, signal, disturbed) {
  const path = `api/jobs/${encodeURIComponent(id)}`;
  for (let failures = 0; ; ) {
    try {
      for await (const job of events(`${path}/events`, signal)) {
        failures = 0;
        yield job;
        if (OVER.includes(job.state)) return;
      }
      const job = await (await call(path, { signal })).json();
      failures = 0;
      yield job;
      if (OVER.includes(job.state)) return;
    } catch (error) {
      if (signal.aborted) throw error;
      const gone = error instanceof ApiError && error.status >= 400 && error.status < 500;
      failures += 1;
      if (gone || failures > 30) throw error;
      disturbed();
    }
    await sleep(1, signal);
  }
}

/** The data of server-sent events. EventSource cannot send a token. */
async function* events(path, signal) {
  const response = await call(path, { signal, headers: { Accept: "text/event-stream" } });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let pending = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      pending += value.replaceAll("\r", "");
      const blocks = pending.split("\n\n");
      pending = blocks.pop();
      for (const block of blocks) {
        const lines = block.split("\n").filter((line) => line.startsWith("data:"));
        const data = lines.map((line) => line.slice(5).trimStart()).join("\n");
        if (data.startsWith("{") && data.length > 2) yield JSON.parse(data);
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** The subprotocols of the live WebSocket; a token travels as one of them. */
export function liveProtocols() {
  const used = token();
  if (!used) return ["transparent-background"];
  const binary = String.fromCharCode(...new TextEncoder().encode(used));
  const coded = btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return ["transparent-background", `bearer.${coded}`];
}
