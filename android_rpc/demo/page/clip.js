/** A short clip of the pair, where the browser can record one. */

const LONGEST_MS = 10_000;
const TYPES = { "video/mp4;codecs=avc1.42E01E": "mp4", "video/webm;codecs=vp9": "webm", "video/webm": "webm" };

export class Clip {
  /** @type {MediaRecorder | null} */
  #recorder = null;
  #timer = 0;
  canvas = document.createElement("canvas");

  /** @returns {string} why this browser records none; empty where it does */
  static whyNot() {
    if (!window.MediaRecorder || !HTMLCanvasElement.prototype.captureStream) {
      return "This browser records no clips: save a picture.";
    }
    return type() ? "" : "This browser writes no video: save a picture.";
  }

  get recording() {
    return this.#recorder !== null;
  }

  /**
   * Records what is drawn on `canvas` until `stop`, or for ten seconds.
   * @param {(blob: Blob, extension: string) => void} done
   */
  start(done) {
    const mimeType = type();
    const stream = this.canvas.captureStream();
    const recorder = new MediaRecorder(stream, { mimeType });
    const parts = [];
    recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
    recorder.addEventListener("stop", () => {
      stream.getTracks().forEach((track) => track.stop());
      done(new Blob(parts, { type: mimeType }), TYPES[mimeType]);
    });
    recorder.start();
    this.#recorder = recorder;
    this.#timer = setTimeout(() => this.stop(), LONGEST_MS);
  }

  stop() {
    clearTimeout(this.#timer);
    const recorder = this.#recorder;
    this.#recorder = null;
    recorder?.stop();
  }
}

function type() {
  return Object.keys(TYPES).find((one) => MediaRecorder.isTypeSupported(one));
}
