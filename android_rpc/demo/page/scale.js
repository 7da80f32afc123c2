/** The bar of colours with its two sliders, near and far. */

import { UNKNOWN } from "./format.js";

const STEPS = 1000;
const CLOSEST = 10;

export class Scale {
  #range;
  #near = /** @type {HTMLInputElement} */ (document.getElementById("near"));
  #far = /** @type {HTMLInputElement} */ (document.getElementById("far"));
  #nearValue = document.getElementById("near-value");
  #farValue = document.getElementById("far-value");
  #automatic = document.getElementById("automatic");
  #colours = /** @type {HTMLCanvasElement} */ (document.getElementById("colours"));

  /**
   * @param {import("./depth_range.js").DepthRange} range
   * @param {() => void} changed by hand
   */
  constructor(range, changed) {
    this.#range = range;
    for (const slider of [this.#near, this.#far]) {
      slider.addEventListener("input", () => {
        this.#keepApart(slider);
        range.holdAt(this.#near.valueAsNumber / STEPS, this.#far.valueAsNumber / STEPS);
        changed();
      });
    }
    this.#automatic.addEventListener("click", () => {
      if (range.automatic) range.hold();
      else range.release();
      changed();
    });
  }

  /**
   * @param {import("./depth_unit.js").DepthUnit | null} unit
   * @param {Uint32Array} palette
   */
  show(unit, palette) {
    const { near, far } = this.#range.places();
    this.#near.value = String(Math.round(near * STEPS));
    this.#far.value = String(Math.round(far * STEPS));
    const written = [this.#range.near, this.#range.far].map((one) => unit?.write(one) ?? UNKNOWN);
    [this.#nearValue.textContent, this.#farValue.textContent] = written;
    this.#near.setAttribute("aria-valuetext", written[0]);
    this.#far.setAttribute("aria-valuetext", written[1]);
    this.#near.disabled = this.#far.disabled = !unit;
    this.#automatic.setAttribute("aria-pressed", String(this.#range.automatic));
    this.#paint(near, far, palette);
  }

  /** The colours as they lie between the sliders, the outermost ones beyond them. */
  #paint(near, far, palette) {
    const context = this.#colours.getContext("2d");
    const image = context.createImageData(this.#colours.width, 1);
    const pixels = new Uint32Array(image.data.buffer);
    const last = palette.length - 1;
    for (let i = 0; i < pixels.length; i += 1) {
      const share = (i / (pixels.length - 1) - near) / (far - near || 1);
      pixels[i] = palette[Math.round(Math.min(1, Math.max(0, share)) * last)];
    }
    context.putImageData(image, 0, 0);
  }

  /** @param {HTMLInputElement} moved */
  #keepApart(moved) {
    const [near, far] = [this.#near.valueAsNumber, this.#far.valueAsNumber];
    if (far - near >= CLOSEST) return;
    if (moved === this.#near) this.#near.value = String(far - CLOSEST);
    else this.#far.value = String(near + CLOSEST);
  }
}
