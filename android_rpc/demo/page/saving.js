/** What a person keeps of what is seen: a picture, or a clip. */

import { Clip } from "./clip.js";
import { drawPicture, save } from "./picture.js";
import { say } from "./status.js";

export class Saving {
  #view;
  #caption;
  #clip = new Clip();
  #colours = /** @type {HTMLCanvasElement} */ (document.getElementById("colours"));
  #picture = /** @type {HTMLButtonElement} */ (document.getElementById("picture"));
  #button = /** @type {HTMLButtonElement} */ (document.getElementById("clip"));

  /**
   * @param {import("./pair_view.js").PairView} view
   * @param {() => import("./picture.js").Caption} caption
   */
  constructor(view, caption) {
    this.#view = view;
    this.#caption = caption;
    this.#picture.addEventListener("click", () => this.#savePicture());
    this.#button.addEventListener("click", () => this.#saveClip());
  }

  /** @param {boolean} live whether the camera runs */
  allow(live) {
    this.#picture.disabled = !this.#view.filled;
    this.#button.disabled = !(this.#view.filled && live);
  }

  /** Another pair is shown. */
  follow() {
    if (this.#clip.recording) this.#draw(this.#clip.canvas);
  }

  /** Ends the clip that is recorded, if any. */
  endClip() {
    this.#clip.stop();
  }

  #savePicture() {
    const canvas = document.createElement("canvas");
    this.#draw(canvas);
    canvas.toBlob((blob) => save(blob, "png"));
  }

  #saveClip() {
    const why = Clip.whyNot();
    if (why) {
      say(why, { bad: true });
      return;
    }
    if (this.#clip.recording) {
      this.#clip.stop();
      return;
    }
    this.#draw(this.#clip.canvas);
    this.#clip.start((blob, extension) => {
      save(blob, extension);
      this.#button.textContent = "Save clip";
    });
    this.#button.textContent = "End clip";
    say("A clip is recorded, of ten seconds at most.");
  }

  /** @param {HTMLCanvasElement} canvas */
  #draw(canvas) {
    drawPicture(canvas, this.#view, this.#colours, this.#caption());
  }
}
