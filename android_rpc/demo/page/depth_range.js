/** Which values are the nearest and the farthest colour: as the maps have them, or held. */

const SAMPLES = 4096;
const LOW = 0.02;
const HIGH = 0.98;
// Of each map's range into the colours' own, so that they do not flicker.
const PACE = 0.2;

export class DepthRange {
  /** Whether the colours follow the maps. */
  automatic = true;
  #nearIsLarge = false;
  #smallestSpan = 0;
  /** @type {[number, number] | null} lowest and highest value of the colours */
  #shown = null;
  /** @type {[number, number]} lowest and highest value that was seen */
  #seen = [Infinity, -Infinity];

  /** @param {import("./depth_unit.js").DepthUnit} unit of the maps to come */
  begin(unit) {
    this.automatic = true;
    this.#nearIsLarge = unit.nearIsLarge;
    this.#smallestSpan = unit.smallestSpan;
    this.#shown = null;
    this.#seen = [Infinity, -Infinity];
  }

  get near() {
    return this.#shown?.[this.#nearIsLarge ? 1 : 0] ?? 0;
  }

  get far() {
    return this.#shown?.[this.#nearIsLarge ? 0 : 1] ?? 1;
  }

  /** Takes the newest map into account. @param {Float32Array} values */
  follow(values) {
    const step = Math.max(1, Math.floor(values.length / SAMPLES));
    const sample = [];
    for (let i = 0; i < values.length; i += step) if (Number.isFinite(values[i])) sample.push(values[i]);
    if (!sample.length) return;
    const sorted = Float32Array.from(sample).sort();
    this.#seen = [Math.min(this.#seen[0], sorted[0]), Math.max(this.#seen[1], sorted.at(-1))];
    if (!this.automatic) return;
    const low = sorted[Math.floor(LOW * (sorted.length - 1))];
    const high = Math.max(sorted[Math.ceil(HIGH * (sorted.length - 1))], low + this.#smallestSpan);
    const [from, to] = this.#shown ?? [low, high];
    this.#shown = [from + PACE * (low - from), to + PACE * (high - to)];
  }

  /** Holds the colours as they are. */
  hold() {
    this.automatic = false;
  }

  /** The colours follow the maps again, from the next one on. */
  release() {
    this.automatic = true;
    this.#shown = null;
  }

  /** @returns {{near: number, far: number}} places on the way from the nearest to the farthest seen */
  places() {
    return { near: this.#place(this.near), far: this.#place(this.far) };
  }

  /**
   * Holds the colours so that they begin and end at places from 0 to 1.
   * @param {number} near
   * @param {number} far
   */
  holdAt(near, far) {
    if (!this.#shown) return;
    this.hold();
    const ends = [this.#value(near), this.#value(far)];
    this.#shown = this.#nearIsLarge ? [ends[1], ends[0]] : [ends[0], ends[1]];
  }

  /** @param {number} value */
  #place(value) {
    const [low, high] = this.#span();
    const share = (value - low) / (high - low || 1);
    return Math.min(1, Math.max(0, this.#nearIsLarge ? 1 - share : share));
  }

  /** @param {number} place */
  #value(place) {
    const [low, high] = this.#span();
    return low + (this.#nearIsLarge ? 1 - place : place) * (high - low);
  }

  /** What the sliders go over: all that was seen and all that is shown. */
  #span() {
    const [low, high] = this.#shown ?? [0, 1];
    return [Math.min(low, this.#seen[0]), Math.max(high, this.#seen[1])];
  }
}
