/** The picture and its depth, and the point of both that is read. */

import { paint } from "./colour_map.js";

const STEP = 0.02;
const KEYS = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };

export class PairView {
  frame = /** @type {HTMLCanvasElement} */ (document.getElementById("frame"));
  depth = /** @type {HTMLCanvasElement} */ (document.getElementById("depth"));
  #stage = document.getElementById("stage");
  #crosses = [...document.querySelectorAll(".cross")];
  #point = document.getElementById("point");
  /** @type {{x: number, y: number} | null} shares of width and height */
  #at = null;
  /** @type {import("./wire.js").DepthMap | null} */
  #map = null;
  /** @type {ImageData | null} the colours of the map */
  #painted = null;

  /** @param {() => void} moved when another point is read */
  constructor(moved) {
    for (const canvas of [this.frame, this.depth]) {
      canvas.addEventListener("click", (event) => {
        const box = canvas.getBoundingClientRect();
        this.#move((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
        moved();
      });
    }
    document.getElementById("depth-surface").addEventListener("keydown", (event) => {
      const by = KEYS[event.key];
      if (!by || !this.#map) return;
      event.preventDefault();
      const { x, y } = this.#at ?? { x: 0.5, y: 0.5 };
      this.#move(x + by[0], y + by[1]);
      moved();
    });
  }

  /** @returns {boolean} whether there is a map */
  get filled() {
    return this.#map !== null;
  }

  /** @returns {number | null} the map's value at the point that is read */
  get reading() {
    if (!this.#map || !this.#at) return null;
    const column = Math.min(this.#map.width - 1, Math.floor(this.#at.x * this.#map.width));
    const row = Math.min(this.#map.height - 1, Math.floor(this.#at.y * this.#map.height));
    return this.#map.values[row * this.#map.width + column];
  }

  /**
   * @param {ImageData} image
   * @param {import("./wire.js").DepthMap} map of it
   */
  take(image, map) {
    if (this.frame.width !== image.width || this.frame.height !== image.height) {
      [this.frame.width, this.frame.height] = [image.width, image.height];
      this.#stage.style.setProperty("--aspect", String(image.width / image.height));
      this.#stage.dataset.shape = image.height > image.width ? "portrait" : "landscape";
    }
    this.frame.getContext("2d").putImageData(image, 0, 0);
    this.#map = map;
  }

  /**
   * Paints the map, and writes what it says at the point.
   * @param {import("./depth_range.js").DepthRange} range
   * @param {Uint32Array} palette
   * @param {import("./depth_unit.js").DepthUnit} unit
   */
  show(range, palette, unit) {
    if (!this.#map) return;
    const { width, height, values } = this.#map;
    if (this.#painted?.width !== width || this.#painted.height !== height) {
      [this.depth.width, this.depth.height] = [width, height];
      this.#painted = new ImageData(width, height);
    }
    paint(values, range.near, range.far, palette, this.#painted);
    this.depth.getContext("2d").putImageData(this.#painted, 0, 0);
    if (this.reading !== null) this.#point.textContent = unit.writePoint(this.reading);
  }

  /** Forgets the map, as when another model is loaded. */
  clear() {
    this.#map = null;
    this.#point.textContent = "";
    this.depth.getContext("2d").clearRect(0, 0, this.depth.width, this.depth.height);
  }

  #move(x, y) {
    this.#at = { x: Math.min(1, Math.max(0, x)), y: Math.min(1, Math.max(0, y)) };
    for (const cross of this.#crosses) {
      cross.hidden = false;
      cross.classList.toggle("leftwards", this.#at.x > 0.6);
      cross.style.setProperty("--x", `${100 * this.#at.x}%`);
      cross.style.setProperty("--y", `${100 * this.#at.y}%`);
    }
  }
}
