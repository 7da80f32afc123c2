/** The figures: frames per second, the forward time now and on average, and what they hold for. */

import { fixed, milliseconds } from "./format.js";
import { Samples } from "./samples.js";
import { drawChart } from "./chart.js";

export const COUNTED = 300;
const WINDOW_MS = 2000;
// Figures that change with every frame cannot be read.
const EVERY_MS = 200;

/** @param {string} id @param {string} text */
function write(id, text) {
  document.getElementById(id).textContent = text;
}

export class Readings {
  #forward = new Samples(COUNTED);
  /** @type {number[]} when the last maps came */
  #arrivals = [];
  #written = 0;

  /** Begins anew, as when another model is loaded. */
  begin() {
    this.#forward = new Samples(COUNTED);
    this.#arrivals = [];
    this.#written = 0;
    this.#write(this.#forward, NaN);
    write("whole", fixed(NaN, 1));
    write("dropped", "0");
  }

  /**
   * A map has come.
   * @param {{forwardMs: number, frameMs: number}} map
   * @param {number} dropped frames so far
   */
  take({ forwardMs, frameMs }, dropped) {
    const now = performance.now();
    this.#forward.add(forwardMs);
    this.#arrivals = [...this.#arrivals.filter((one) => now - one < WINDOW_MS), now];
    if (now - this.#written < EVERY_MS) return;
    this.#written = now;
    const span = now - this.#arrivals[0];
    this.#write(this.#forward, (1000 * (this.#arrivals.length - 1)) / span);
    write("whole", milliseconds(frameMs));
    write("dropped", String(dropped));
  }

  /** The figures of a benchmark. @param {Samples} samples */
  showBenchmark(samples) {
    this.#write(samples, 1000 / samples.mean);
  }

  /** @param {number | null} celsius */
  showTemperature(celsius) {
    write("temperature", fixed(celsius, 1));
  }

  /**
   * @param {Samples} samples
   * @param {number} fps
   */
  #write(samples, fps) {
    write("fps", fixed(fps, 1));
    write("forward", milliseconds(samples.last));
    write("counted", String(samples.count || COUNTED));
    write("mean", milliseconds(samples.mean));
    write("p50", milliseconds(samples.percentile(0.5)));
    write("p90", milliseconds(samples.percentile(0.9)));
    drawChart(document.getElementById("chart"), samples, COUNTED);
  }
}
