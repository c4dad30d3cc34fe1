// The photos that a reload finds again: kept by the browser (IndexedDB), each window's apart.

const NAME = "transparent-background";
const PHOTOS = "photos";
const NOTES = "notes"; // apart, so that a note does not write its photo again
const OLD = 24 * 3600_000; // milliseconds after which a window's photos go, where it can't be seen that it is closed
export const MOST = { count: 200, bytes: 500 * 10 ** 6 };

const HOLD = 500; // milliseconds in which a window that was loaded again has its name to itself

let tab = null;
let opening = null;
let recalling = null;
let order = 0;

/** A name of this window that a reload keeps; null where the browser stores nothing. */
function ownName(anew = false) {
  try {
    const old = anew ? null : sessionStorage.getItem("window");
    const name = old ?? crypto.getRandomValues(new Uint32Array(4)).join("-");
    sessionStorage.setItem("window", name);
    return name;
  } catch {
    return null;
  }
}

/** Hold a name while this window is open; false if another one does, of which this is a copy. */
function hold(name) {
  return new Promise((resolve) => {
    const forever = () => {
      resolve(true);
      return new Promise(() => {});
    };
    const { locks } = navigator; // not there at addresses without https
    if (!locks) resolve(true);
    else locks.request(`${NAME} ${name}`, { signal: AbortSignal.timeout(HOLD) }, forever).catch(() => resolve(false));
  });
}

/** The names of windows that are open; null where browsers don't tell. */
async function openWindows() {
  const state = await navigator.locks?.query();
  return state ? new Set(state.held.map(({ name }) => name.slice(NAME.length + 1))) : null;
}

function database() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => [PHOTOS, NOTES].forEach((name) => request.result.createObjectStore(name, { keyPath: "key" }));
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opening;
}

/** Run `action(photos, notes)` as one transaction, and resolve with what its requests gave. */
async function transact(mode, action) {
  const transaction = (await database()).transaction([PHOTOS, NOTES], mode);
  const requests = action(transaction.objectStore(PHOTOS), transaction.objectStore(NOTES)) ?? [];
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(requests.map(({ result }) => result));
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}

/** Keep a photo; false if the browser would not. */
export async function put(picture) {
  await recall();
  if (tab === null) return false;
  picture.place ??= ++order;
  const { file, name, place } = picture;
  try {
    await transact("readwrite", (photos) => void photos.put({ key: `${tab} ${place}`, tab, place, name, file, at: Date.now() }));
    return true;
  } catch {
    return false; // a private window, or the disk is full
  }
}

/** Note what the server has of a photo that is kept. */
export function note({ place }, kept) {
  return transact("readwrite", (_, notes) => void notes.put({ key: `${tab} ${place}`, kept })).catch(() => {});
}

/** Give photos up. */
export function drop(pictures) {
  const places = pictures.map(({ place }) => place).filter((place) => place !== undefined);
  return places.length ? remove(places.map((place) => `${tab} ${place}`)).catch(() => {}) : Promise.resolve();
}

function remove(keys) {
  return transact("readwrite", (...stores) => keys.forEach((key) => stores.forEach((store) => store.delete(key))));
}

/** The photos of this window before it was loaded again, in their order; those of closed windows are given up. */
export function recall() {
  recalling ??= read();
  return recalling;
}

async function read() {
  tab = ownName();
  if (tab === null) return [];
  if (!(await hold(tab))) {
    tab = ownName(true);
    await hold(tab);
  }
  try {
    const open = await openWindows();
    const [all, notes] = await transact("readonly", (...stores) => stores.map((store) => store.getAll()));
    const gone = all.filter((entry) => entry.tab !== tab && (open ? !open.has(entry.tab) : Date.now() - entry.at > OLD));
    if (gone.length) await remove(gone.map(({ key }) => key));
    const own = all.filter((entry) => entry.tab === tab).sort((one, other) => one.place - other.place);
    order = own.at(-1)?.place ?? 0;
    const known = new Map(notes.map(({ key, kept }) => [key, kept]));
    return own.map((entry) => ({ ...entry, kept: known.get(entry.key) ?? null }));
  } catch {
    return [];
  }
}
