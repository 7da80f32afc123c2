/** What a model's output means, and how its values are written. */

import { fixed } from "./format.js";

const MEANINGS = {
  metres: "in metres",
  "inverse-metres": "as 1 / metres",
  disparity: "as disparity, up to scale and shift",
  relative: "relative, up to scale and shift",
};

export class DepthUnit {
  #unit;
  #meaning;

  /** @param {{unit: string, meaning: string}} output */
  constructor({ unit, meaning }) {
    this.#unit = unit;
    this.#meaning = meaning;
  }

  /** Whether what is near has the larger value. */
  get nearIsLarge() {
    return this.#meaning === "inverse-metres" || this.#meaning === "disparity";
  }

  /** The smallest span of colours, in the unit: 0 where the unit is unknown. */
  get smallestSpan() {
    return this.#unit === "m" ? 0.1 : 0;
  }

  get meaning() {
    return MEANINGS[this.#meaning] ?? "";
  }

  /**
   * @param {number} value
   * @returns {string} with its unit: 2.41 m
   */
  write(value) {
    if (this.#unit === "m") return `${fixed(value, 2)} m`;
    const figure = Number.isFinite(value) ? Number(value.toPrecision(3)).toString() : fixed(value, 0);
    return this.#unit ? `${figure} ${this.#unit}` : figure;
  }

  /**
   * @param {number} value
   * @returns {string} and in metres, where they follow from the unit
   */
  writePoint(value) {
    const metres = this.#unit === "1/m" && value > 0 ? ` = ${fixed(1 / value, 2)} m` : "";
    return this.write(value) + metres;
  }
}
