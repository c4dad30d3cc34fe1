// The Camera tab: what is shown of the camera, and how it is started, changed and stopped.

import { BackgroundChooser } from "./background.js";
import { announce, byId, fit, make, save, showError, toast } from "./dom.js";
import { LiveView, shrunk } from "./live.js";
import { Options } from "./options.js";

const form = byId("camera-options");
const canvas = byId("camera-canvas");
const DENIED = "The camera may not be used. Allow it for this page in the browser's address bar, and start again.";
const CAMERA_ERRORS = {
  NotAllowedError: DENIED,
  SecurityError: DENIED,
  NotFoundError: "No camera was found. Connect one, and start again.",
  OverconstrainedError: "That camera is not there any more. Choose another one.",
  NotReadableError: "The camera can't be read. Perhaps another program uses it.",
  AbortError: "The camera can't be read. Perhaps another program uses it.",
};

export class CameraTab {
  #live = null;
  #rate = 0;
  #delay = 0;
  #last = 0;
  #shownAt = 0;
  #behind = { number: 0, data: null };

  constructor() {
    this.background = new BackgroundChooser(byId("camera-background"), {
      kinds: ["blur", "rgba", "colour", "picture", "white", "green", "map", "overlay"],
      start: "blur",
    });
    this.options = new Options(form, "camera", this.background);
    byId("camera-go").addEventListener("click", () => (this.#live ? this.stop() : this.start()));
    byId("camera-still").addEventListener("click", () => this.#still());
    byId("camera-full").addEventListener("click", () => this.#fullScreen());
    byId("camera-full").hidden = !document.fullscreenEnabled;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", (event) => this.#changed(event.target));
    this.background.colour.addEventListener("input", () => this.#changed(this.background.colour));
    navigator.mediaDevices?.addEventListener?.("devicechange", () => this.#listCameras());
  }

  /** Take what the server says of itself and of its options. */
  learn(about, options) {
    this.options.build(options, about);
  }

  async start() {
    showError(byId("camera-error"), null);
    if (!navigator.mediaDevices?.getUserMedia) {
      this.#refuse("Browsers give the camera only to pages that came over https or from this computer. Open this page so.");
      return;
    }
    const live = new LiveView({
      frame: (bitmap, seconds) => this.#show(bitmap, seconds),
      refused: (sentence, over) => (over ? this.#refuse(sentence) : showError(byId("camera-error"), sentence)),
      lost: () => this.#refuse("The connection to the server was lost. Start again, once it is there."),
    });
    this.#live = live;
    this.#rate = this.#last = 0;
    this.#showState("Starting …", "");
    try {
      await live.open(form.elements.device.value, Number(form.elements.width.value));
    } catch (error) {
      if (!live.closed) this.#refuse(CAMERA_ERRORS[error.name] ?? "The camera can't be started.");
      return;
    }
    if (live.closed) return;
    this.#listCameras();
    await this.#readBehind();
    live.connect(() => this.#options());
  }

  stop() {
    if (!this.#live) return;
    this.#live.close();
    this.#live = null;
    canvas.hidden = true;
    if (document.fullscreenElement) document.exitFullscreen();
    this.#showState("The camera is off", "");
    announce("The camera is off.");
  }

  #refuse(sentence) {
    this.stop();
    showError(byId("camera-error"), sentence);
    this.#showState("The camera is off", "");
  }

  #options() {
    const { fields } = this.options.answer;
    const behind = this.background.kind === "picture" ? this.#behind.data : null;
    return { type: "blur", ...fields, background_image: behind };
  }

  async #changed(field) {
    if (!this.#live) return;
    if (field === form.elements.device || field === form.elements.width) {
      this.stop();
      this.start();
      return;
    }
    await this.#readBehind();
    if (!this.background.incomplete) this.#live?.tell(this.#options());
  }

  /** Bring the picture behind to a size that fits into a message. */
  async #readBehind() {
    const { file, fileNumber } = this.background;
    if (!file || this.#behind.number === fileNumber) return;
    try {
      this.#behind = { number: fileNumber, data: await shrunk(file) };
    } catch {
      showError(byId("camera-error"), `${file.name} can't be read as a picture. Choose another one.`);
    }
  }

  async #listCameras() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    const select = form.elements.device;
    const chosen = select.value;
    const cameras = devices.filter(({ kind, deviceId }) => kind === "videoinput" && deviceId);
    select.replaceChildren(make("option", { value: "" }, "Standard"));
    cameras.forEach(({ deviceId, label }, index) => select.append(make("option", { value: deviceId }, label || `Camera ${index + 1}`)));
    select.value = cameras.some(({ deviceId }) => deviceId === chosen) ? chosen : "";
  }

  #show(bitmap, seconds) {
    if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
      canvas.width = bitmap.width;
      canvas.height = bitmap.height;
      fit(canvas, bitmap.width, bitmap.height, 4);
    }
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(bitmap, 0, 0);
    const now = performance.now();
    const first = this.#last === 0;
    if (!first) this.#rate = mix(this.#rate, 1000 / (now - this.#last));
    this.#delay = first ? seconds : mix(this.#delay, seconds);
    this.#last = now;
    if (canvas.hidden) {
      canvas.hidden = false;
      showError(byId("camera-error"), null);
      this.#showState("The camera is on", "");
      announce("The camera is on.");
    }
    if (this.#rate && now - this.#shownAt > 500) {
      this.#shownAt = now;
      const rate = this.#rate < 10 ? this.#rate.toFixed(1) : Math.round(this.#rate);
      byId("camera-rate").textContent = `${rate} frames a second, ${Math.round(this.#delay * 1000)} ms late`;
    }
  }

  #showState(state, rate) {
    byId("camera-state").textContent = state;
    byId("camera-rate").textContent = rate;
    const on = this.#live !== null;
    byId("camera-go").textContent = on ? "Stop" : "Start";
    byId("camera-off").hidden = (on && !canvas.hidden) || !byId("camera-error").hidden;
    byId("camera-stage").setAttribute("aria-busy", String(on && canvas.hidden));
    byId("camera-still").disabled = byId("camera-full").disabled = canvas.hidden;
  }

  #still() {
    canvas.toBlob((blob) => {
      const moment = new Date().toISOString().slice(0, 19).replace("T", "-").replaceAll(":", "");
      if (blob) save(blob, `camera-${moment}.png`);
    });
    toast("The picture was taken.");
  }

  #fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else byId("camera-stage").requestFullscreen().catch(() => toast("The browser did not allow the full screen."));
  }
}

function mix(old, now) {
  return old ? old * 0.85 + now * 0.15 : now;
}
