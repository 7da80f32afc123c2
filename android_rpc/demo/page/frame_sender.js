/** Which frames are sent: the newest, dropped when late, never queued. */

import { encodeFrame } from "./wire.js";

const LONGEST_EDGE = 1920;
// One is computed while the next one waits for it; a third would be old when its turn came.
const AWAITED = 2;

export class FrameSender {
  #connection;
  #canvas = document.createElement("canvas");
  #context = this.#canvas.getContext("2d", { willReadFrequently: true });
  #number = 0;
  /** @type {Map<number, ImageData>} what was sent and not answered, oldest first */
  #awaited = new Map();
  /** Frames that no map was or will be made of. */
  dropped = 0;

  /** @param {import("./connection.js").Connection} connection */
  constructor(connection) {
    this.#connection = connection;
  }

  /**
   * Sends what a video or a picture shows now, unless the server is behind.
   * @param {CanvasImageSource} source
   * @param {number} width
   * @param {number} height
   * @returns {boolean} whether it was sent
   */
  offer(source, width, height) {
    if (this.#awaited.size >= AWAITED || this.#connection.busy) {
      this.dropped += 1;
      return false;
    }
    const scale = Math.min(1, LONGEST_EDGE / Math.max(width, height));
    const [columns, rows] = [width, height].map((edge) => Math.max(1, Math.round(edge * scale)));
    if (this.#canvas.width !== columns || this.#canvas.height !== rows) {
      [this.#canvas.width, this.#canvas.height] = [columns, rows];
    }
    this.#context.drawImage(source, 0, 0, columns, rows);
    const image = this.#context.getImageData(0, 0, columns, rows);
    this.#number = (this.#number + 1) >>> 0;
    this.#awaited.set(this.#number, image);
    this.#connection.send(encodeFrame(this.#number, image));
    return true;
  }

  /**
   * The frame that a map answers; those sent before it will have none.
   * @param {number} number
   * @returns {ImageData | null} null for a frame that is not awaited
   */
  answered(number) {
    const image = this.#awaited.get(number) ?? null;
    if (!image) return null;
    for (const sent of [...this.#awaited.keys()]) {
      this.#awaited.delete(sent);
      if (sent === number) break;
      this.dropped += 1;
    }
    return image;
  }

  /** Counts anew, as when another model is loaded. */
  begin() {
    this.forget();
    this.dropped = 0;
  }

  /** Awaits nothing that was sent so far. */
  forget() {
    this.#awaited.clear();
  }
}
