// Before and after in one frame, with a line between them that is moved by pointer, touch or keys.

const LARGEST = 2; // small pictures are enlarged to fit, but not beyond this

export class Compare {
  #position = 50;
  #size = [1, 1];
  #zoom = "fit";
  #turn = 0;
  #before = null;

  constructor(root) {
    this.root = root;
    this.scroll = root.querySelector(".compare-scroll");
    this.frame = root.querySelector(".compare-frame");
    this.before = root.querySelector(".compare-before");
    this.after = root.querySelector(".compare-after");
    this.line = root.querySelector(".compare-line");
    this.knob = root.querySelector("[role=slider]");
    this.frame.addEventListener("pointerdown", (event) => this.#press(event));
    this.knob.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.#layOut()).observe(root);
    this.position = this.#position;
  }

  /** How much of the frame's width shows the picture as it was, in percent. */
  get position() {
    return this.#position;
  }

  set position(value) {
    this.#position = Math.min(100, Math.max(0, value));
    const percent = Math.round(this.#position);
    this.before.style.clipPath = `inset(0 ${100 - this.#position}% 0 0)`;
    this.line.style.left = `${this.#position}%`;
    this.knob.setAttribute("aria-valuenow", percent);
    this.knob.setAttribute("aria-valuetext", `${percent} % before, ${100 - percent} % after`);
    this.frame.classList.toggle("hide-left", this.#position < 22);
    this.frame.classList.toggle("hide-right", this.#position > 78);
  }

  set zoom(value) {
    this.#zoom = value;
    this.root.classList.toggle("full", value === "full");
    this.scroll.tabIndex = value === "full" ? 0 : -1;
    this.#layOut();
    this.#centre();
  }

  #centre() {
    this.scroll.scrollLeft = (this.scroll.scrollWidth - this.scroll.clientWidth) / 2;
    this.scroll.scrollTop = (this.scroll.scrollHeight - this.scroll.clientHeight) / 2;
  }

  /**
   * Show object URLs: `before`, `after`, or both. `box` is the part [left, top, width, height] of the
   * picture that `after` shows, if it was cropped; a `small` one shows it with fewer pixels. Resolves with what could be shown and its size.
   */
  async show({ before, after, box = null, small = false, name = "" }) {
    const turn = ++this.#turn;
    const [first, second] = await Promise.all([load(before), load(after)]);
    if (turn !== this.#turn) return null; // another picture was chosen meanwhile
    const whole = small && first && !box ? first : (second ?? first);
    const cropped = first && second && first.naturalWidth !== second.naturalWidth && !box && !small;
    const parts = { before: first !== null && !cropped, after: second !== null };
    this.root.dataset.shows = parts.before && parts.after ? "both" : parts.after ? "after" : parts.before ? "before" : "nothing";
    if (whole) {
      this.#size = box ? box.slice(2) : [whole.naturalWidth, whole.naturalHeight];
      this.root.parentElement.style.setProperty("--ratio", this.#size[0] / this.#size[1]); // for narrow windows
    }
    place(this.before, parts.before ? first : null, second && box, `${name} as it was`);
    place(this.after, second, null, `${name} without its background`);
    this.#layOut();
    if (before !== this.#before) this.#centre(); // another picture: as far as one knows, its middle matters
    this.#before = before;
    return { ...parts, size: whole && this.#size };
  }

  #layOut() {
    const [width, height] = this.#size;
    const room = [this.root.clientWidth, this.root.clientHeight];
    if (!room[0] || !room[1]) return;
    const fit = Math.min(room[0] / width, room[1] / height, LARGEST);
    const scale = this.#zoom === "fit" ? fit : 1 / devicePixelRatio;
    this.frame.style.width = `${Math.max(1, Math.floor(width * scale))}px`;
    this.frame.style.height = `${Math.max(1, Math.floor(height * scale))}px`;
  }

  /** Drag the line; at full size only by its knob, and the picture is pushed about elsewhere. */
  #press(event) {
    if (event.button !== 0) return;
    const moves = this.root.dataset.shows === "both" && (this.#zoom === "fit" || event.target.closest(".compare-line"));
    const pushes = !moves && this.#zoom === "full" && event.pointerType === "mouse";
    if (!moves && !pushes) return;
    const from = { x: event.clientX, y: event.clientY, left: this.scroll.scrollLeft, top: this.scroll.scrollTop };
    const move = ({ clientX, clientY }) => {
      if (moves) {
        const { left, width } = this.frame.getBoundingClientRect();
        this.position = ((clientX - left) / width) * 100;
      } else {
        this.scroll.scrollTo(from.left - clientX + from.x, from.top - clientY + from.y);
      }
    };
    const stop = new AbortController();
    const { signal } = stop;
    this.frame.setPointerCapture(event.pointerId);
    this.frame.addEventListener("pointermove", move, { signal });
    for (const end of ["pointerup", "pointercancel"]) this.frame.addEventListener(end, () => stop.abort(), { signal });
    if (moves) {
      move(event);
      this.knob.focus({ preventScroll: true });
    }
    event.preventDefault();
  }

  #key(event) {
    const step = event.shiftKey ? 10 : 2;
    const targets = {
      ArrowLeft: this.#position - step,
      ArrowDown: this.#position - step,
      ArrowRight: this.#position + step,
      ArrowUp: this.#position + step,
      PageDown: this.#position - 20,
      PageUp: this.#position + 20,
      Home: 0,
      End: 100,
    };
    if (!(event.key in targets)) return;
    event.preventDefault();
    this.position = targets[event.key];
  }
}

/** Decode a picture before it is shown, so that nothing flickers; null if it can't be. */
async function load(url) {
  if (!url) return null;
  const image = new Image();
  image.src = url;
  image.draggable = false;
  try {
    await image.decode();
    return image;
  } catch {
    return null;
  }
}

function place(layer, image, box, alt) {
  layer.hidden = !image;
  if (!image) {
    layer.replaceChildren();
    return;
  }
  image.alt = alt;
  if (box) {
    const [left, top, width, height] = box;
    image.style.width = `${(image.naturalWidth / width) * 100}%`;
    image.style.height = `${(image.naturalHeight / height) * 100}%`;
    image.style.left = `${(-left / width) * 100}%`;
    image.style.top = `${(-top / height) * 100}%`;
  }
  layer.replaceChildren(image);
}
