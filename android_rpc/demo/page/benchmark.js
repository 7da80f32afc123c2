/** The paper's benchmark: zeros through the network, camera off, each forward timed. */

import { drawChart } from "./chart.js";
import { counted, milliseconds } from "./format.js";
import { Samples } from "./samples.js";

const WARM_UP = 10;
export const RUNS = 300;

export class Benchmark {
  #connection;
  #text = document.getElementById("benchmark-text");
  #progress = /** @type {HTMLProgressElement} */ (document.getElementById("progress"));
  #chart = /** @type {HTMLCanvasElement} */ (document.getElementById("benchmark-chart"));
  #keep = /** @type {HTMLButtonElement} */ (document.getElementById("keep"));
  /** @type {number | null} the number of the last one, by which it is kept */
  #number = null;
  running = false;

  /** @param {import("./connection.js").Connection} connection */
  constructor(connection) {
    this.#connection = connection;
    this.#keep.addEventListener("click", () => {
      this.#keep.disabled = true;
      connection.send({ type: "record", benchmark: this.#number });
    });
  }

  start() {
    this.running = true;
    this.#number = null;
    this.#keep.disabled = true;
    this.#progress.hidden = false;
    this.#chart.hidden = true;
    this.advance(0);
    this.#connection.send({ type: "benchmark", warm_up: WARM_UP, runs: RUNS });
  }

  /** Ends it before its time. */
  stop() {
    this.#connection.send({ type: "stop" });
  }

  /** @param {number} done */
  advance(done) {
    this.#progress.value = done;
    this.#text.textContent = `Zeros in, camera off: ${done} of ${RUNS} forwards.`;
  }

  /** It has not come to its end. @param {string} why one sentence */
  fail(why) {
    this.running = false;
    this.#progress.hidden = true;
    this.#text.textContent = why;
  }

  /**
   * @param {{benchmark: number, milliseconds: number[]}} result
   * @returns {Samples}
   */
  finish(result) {
    this.running = false;
    this.#number = result.benchmark;
    const samples = Samples.of(result.milliseconds);
    this.#progress.hidden = true;
    this.#chart.hidden = false;
    this.#keep.disabled = false;
    this.#text.textContent =
      `${counted(samples.count, "forward")} of zeros after ${WARM_UP} that do not count: ` +
      `${milliseconds(samples.mean)} ms on average, ` +
      `${milliseconds(Math.min(...samples.all))} to ${milliseconds(Math.max(...samples.all))} ms.`;
    drawChart(this.#chart, samples, samples.count);
    return samples;
  }
}
