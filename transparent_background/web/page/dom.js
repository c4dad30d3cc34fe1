// Small helpers for the page's elements, and for what is written on it.

export const byId = (id) => document.getElementById(id);

/** Make an element. `props` are properties; names with a dash and `role` become attributes. */
export function make(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.includes("-") || name === "role" || name === "for") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** An icon of the sprite in index.html. */
export function icon(name, className = "icon") {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** Say something to screen readers. */
export function announce(sentence) {
  byId("status").textContent = sentence;
}

let toastTimer = 0;

/** Say something to everybody, for some seconds. */
export function toast(sentence) {
  announce(sentence);
  const box = byId("toast");
  box.textContent = sentence;
  box.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => (box.hidden = true), Math.max(5000, 70 * sentence.length));
}

/** Show a sentence in an element with a `p`, or hide it. */
export function showError(box, sentence) {
  box.hidden = !sentence;
  const place = box.querySelector("p") ?? box;
  place.textContent = sentence ?? "";
}

/** Hand a blob to the browser's downloads. */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = make("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser has begun to read it by then
}

/** Tell the stage and an element of class `fitted` in it the shape of what they show. */
export function fit(element, width, height, enlarged = 2) {
  const ratio = String(width / height);
  element.classList.add("fitted");
  element.style.setProperty("--ratio", ratio);
  element.style.setProperty("--most", `${width * enlarged}px`);
  element.closest(".stage")?.style.setProperty("--ratio", ratio);
}

export function sleep(seconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, seconds * 1000);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}

/** Run `action` once nothing has called for `milliseconds`. */
export function settled(action, milliseconds) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, milliseconds);
  };
}

export function bytes(count) {
  if (count < 1000) return `${count} bytes`;
  const units = ["kB", "MB", "GB"];
  let value = count / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** Binary sizes as the server counts them: 33554432 is 32 MB to its user. */
export function limitBytes(count) {
  const [size, unit] = count >= 2 ** 30 ? [2 ** 30, "GB"] : [2 ** 20, "MB"];
  return `${Number((count / size).toFixed(1))} ${unit}`;
}

export function duration(seconds) {
  if (seconds < 1.5) return "a second";
  if (seconds < 60) return `${Math.round(seconds)} seconds`;
  if (seconds < 90) return "a minute";
  if (seconds < 3570) return `${Math.round(seconds / 60)} minutes`;
  const hours = seconds / 3600;
  return hours < 1.25 ? "an hour" : `${hours.toFixed(1)} hours`;
}
