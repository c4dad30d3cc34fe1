// Files that are dropped on the page, pasted, or chosen.

import { byId } from "./dom.js";

/** Call `take(files)` for whatever comes. */
export function receiveFiles(take) {
  const veil = byId("drop-veil");
  let depth = 0;
  const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

  addEventListener("dragenter", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    depth += 1;
    veil.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (!carries(event)) return;
    depth -= 1;
    if (depth <= 0) {
      depth = 0;
      veil.hidden = true;
    }
  });
  addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  });
  addEventListener("drop", async (event) => {
    depth = 0;
    veil.hidden = true;
    if (!carries(event)) return;
    event.preventDefault();
    take(await dropped(event.dataTransfer));
  });

  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    take(files.map(named));
  });

  for (const button of document.querySelectorAll("[data-choose]")) {
    const input = byId(button.dataset.choose);
    button.addEventListener("click", () => input.click());
  }
  for (const input of [byId("photo-files"), byId("film-file")]) {
    input.addEventListener("change", () => {
      const files = [...input.files];
      input.value = ""; // so that the same file can be chosen again
      if (files.length) take(files, input.id === "film-file" ? "film" : "photos");
    });
  }
}

/** What browsers paste is always called image.png. */
function named(file) {
  if (file.name !== "image.png") return file;
  const moment = new Date().toTimeString().slice(0, 8).replaceAll(":", "");
  return new File([file], `pasted-${moment}.png`, { type: file.type });
}

/** The files of a drop; of folders, the pictures and films in them. */
async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files];
  const files = [];
  for (const entry of entries) await walk(entry, files, entry.isFile);
  return files;
}

async function walk(entry, files, wanted) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject)).catch(() => null);
    if (file && (wanted || /^(image|video)\//.test(file.type))) files.push(file);
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)).catch(() => []);
    if (!batch.length) return; // a reader gives at most a hundred at once
    for (const child of batch) await walk(child, files, false);
  }
}
