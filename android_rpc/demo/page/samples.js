/** The last times of a network, and what describes them. */

export class Samples {
  /** @type {number[]} milliseconds, oldest first */
  #ms = [];
  #kept;

  /** @param {number} kept how many */
  constructor(kept) {
    this.#kept = kept;
  }

  /** @param {number[]} ms */
  static of(ms) {
    const samples = new Samples(ms.length);
    ms.forEach((one) => samples.add(one));
    return samples;
  }

  /** @param {number} ms */
  add(ms) {
    this.#ms.push(ms);
    if (this.#ms.length > this.#kept) this.#ms.shift();
  }

  get all() {
    return this.#ms;
  }

  get count() {
    return this.#ms.length;
  }

  get last() {
    return this.#ms.at(-1);
  }

  get mean() {
    return this.#ms.reduce((sum, ms) => sum + ms, 0) / this.#ms.length;
  }

  /**
   * @param {number} share 0.5 is the median
   * @returns {number} with what lies between two samples interpolated; NaN of none
   */
  percentile(share) {
    const sorted = [...this.#ms].sort((a, b) => a - b);
    const place = share * (sorted.length - 1);
    const below = sorted[Math.floor(place)];
    return below + (place % 1) * (sorted[Math.ceil(place)] - below);
  }
}
