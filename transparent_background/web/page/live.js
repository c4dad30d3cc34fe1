// A camera's frames: they go to the server over a WebSocket, one at a time, and come back without their
// background.

import { at, liveProtocols } from "./api.js";
import { make } from "./dom.js";

const LARGEST_BEHIND = 1280; // pixels; a picture behind need not be larger than the frames

/** One camera's stream through one WebSocket. */
export class LiveView {
  /** `frame(bitmap, seconds)`, `refused(sentence)` and `lost()` are called as things happen. */
  constructor({ frame, refused, lost }) {
    Object.assign(this, { frame, refused, lost });
    this.video = make("video", { muted: true, playsInline: true });
    this.canvas = document.createElement("canvas");
    this.closed = false;
    this.timer = 0;
  }

  async open(device, width) {
    this.stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { width: { ideal: width }, ...(device ? { deviceId: { exact: device } } : { facingMode: "user" }) },
    });
    if (this.closed) {
      this.#stopStream();
      return;
    }
    for (const track of this.stream.getVideoTracks()) {
      track.addEventListener("ended", () => !this.closed && this.refused("The camera was taken away. Connect it, and start again.", true));
    }
    this.width = width;
    this.video.srcObject = this.stream;
    await this.video.play();
  }

  connect(options) {
    const address = at("api/live");
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    this.socket = new WebSocket(address, liveProtocols());
    this.socket.binaryType = "blob";
    this.socket.onopen = () => {
      this.tell(options());
      this.#send();
    };
    this.socket.onmessage = ({ data }) => (typeof data === "string" ? this.#hear(data) : this.#draw(data));
    this.socket.onclose = () => !this.closed && this.lost();
  }

  tell(options) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(options));
  }

  /** Send the newest frame; the next follows when the answer is there. */
  #send() {
    if (this.closed) return;
    const { videoWidth, videoHeight } = this.video;
    const scale = Math.min(1, this.width / Math.max(videoWidth, videoHeight, 1));
    this.canvas.width = Math.max(1, Math.round(videoWidth * scale));
    this.canvas.height = Math.max(1, Math.round(videoHeight * scale));
    this.canvas.getContext("2d", { alpha: false }).drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    this.sentAt = performance.now();
    this.canvas.toBlob((blob) => {
      if (!this.closed && blob && this.socket.readyState === WebSocket.OPEN) this.socket.send(blob);
    }, "image/jpeg", 0.9);
  }

  async #draw(blob) {
    try {
      const bitmap = await createImageBitmap(blob);
      if (!this.closed) this.frame(bitmap, (performance.now() - this.sentAt) / 1000);
      bitmap.close();
    } catch {
      // a damaged frame; the next one comes
    }
    this.#send();
  }

  #hear(text) {
    try {
      const { error } = JSON.parse(text);
      if (error) this.refused(error, false);
    } catch {
      return;
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#send(), 500); // that frame is not answered
  }

  #stopStream() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    this.#stopStream();
    this.socket?.close();
    this.video.srcObject = null;
  }
}

/** The picture as base64 of a JPEG that is not larger than frames are. */
export async function shrunk(file) {
  const whole = await createImageBitmap(file);
  const scale = Math.min(1, LARGEST_BEHIND / Math.max(whole.width, whole.height));
  const small = document.createElement("canvas");
  small.width = Math.max(1, Math.round(whole.width * scale));
  small.height = Math.max(1, Math.round(whole.height * scale));
  const context = small.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, small.width, small.height);
  context.drawImage(whole, 0, 0, small.width, small.height);
  whole.close();
  const data = small.toDataURL("image/jpeg", 0.9);
  return data.slice(data.indexOf(",") + 1);
}
