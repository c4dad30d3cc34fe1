// Puts the page together: tabs, what the server can do, and where files go that are dropped.

import { call, token } from "./api.js";
import { CameraTab } from "./camera.js";
import { byId, save, sleep, toast } from "./dom.js";
import { receiveFiles } from "./drop.js";
import { FilmTab } from "./film.js";
import { PhotoTab } from "./photo.js";

const NAMES = ["photos", "film", "camera"];

const photos = new PhotoTab();
const film = new FilmTab();
const camera = new CameraTab();

/** Show a tab; `focus` moves there, as arrow keys do. */
function open(name, focus = false) {
  for (const other of NAMES) {
    const tab = byId(`tab-${other}`);
    const chosen = other === name;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    byId(`panel-${other}`).hidden = !chosen;
    if (chosen && focus) tab.focus();
  }
  if (name !== "camera") camera.stop(); // nobody should be filmed by a tab that isn't seen
  if (location.hash !== `#${name}`) history.replaceState(null, "", `#${name}`);
}

function wireTabs() {
  for (const [index, name] of NAMES.entries()) {
    const tab = byId(`tab-${name}`);
    tab.addEventListener("click", () => (location.hash = name));
    tab.addEventListener("keydown", (event) => {
      const count = NAMES.length;
      const targets = { ArrowLeft: index + count - 1, ArrowRight: index + 1, Home: 0, End: count - 1 };
      if (!(event.key in targets)) return;
      event.preventDefault();
      open(NAMES[targets[event.key] % count], true);
    });
  }
  const route = () => {
    const name = location.hash.slice(1);
    open(NAMES.includes(name) ? name : "photos");
  };
  addEventListener("hashchange", route);
  route();
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault(); // the address names the tab
    byId("main").focus();
  });
}

function isFilm(file) {
  return file.type.startsWith("video/") || /\.(mp4|m4v|mov|mkv|webm|avi)$/i.test(file.name);
}

/** Give photos and films to their tabs; of both together, the photos are shown. */
function take(files, place) {
  const films = place === "film" ? files : files.filter(isFilm);
  const pictures = files.filter((file) => !films.includes(file));
  if (films.length) film.take(films);
  if (pictures.length) photos.add(pictures);
  open(pictures.length ? "photos" : "film");
  if (!films.length || !pictures.length) return;
  toast(films.length === 1 ? `${films[0].name} is in the Film tab, ready to be started.` : `${films.length} films are in the Film tab, ready to be started.`);
}

/** Ask what the server can do, again and again until it answers. */
async function learn() {
  const message = byId("server-message");
  for (let wait = 2; ; wait = Math.min(wait * 1.5, 20)) {
    try {
      const about = await (await call("api/models")).json();
      const options = await (await call("api/options")).json();
      message.hidden = true;
      for (const tab of [photos, film, camera]) tab.learn(about, options);
      byId("version").textContent = `transparent-background ${about.version}`;
      return;
    } catch (error) {
      const again = error.status !== 401; // whoever would not give a token isn't asked again and again
      byId("server-sentence").textContent = again ? `${error.message} This page tries again by itself.` : error.message;
      message.hidden = false;
      const now = new AbortController();
      byId("server-again").onclick = () => now.abort();
      await sleep(again ? wait : 1e6, now.signal).catch(() => {});
    }
  }
}

/** A link can't carry the token: what it leads to is fetched, and saved. */
function wireInterface() {
  byId("openapi").addEventListener("click", async (event) => {
    if (!token()) return;
    event.preventDefault();
    const response = await call("openapi.json").catch(({ message }) => toast(message));
    if (response) save(await response.blob(), "openapi.json");
  });
}

wireTabs();
wireInterface();
receiveFiles(take);
learn();
