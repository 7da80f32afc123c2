/** The camera: opening it, its frames as they come, and why there is none. */

const WANTED = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
const WHY_NOT = {
  NotAllowedError: "The camera was not allowed: allow it for this page, or choose a photo.",
  NotFoundError: "This device has no camera: choose a photo.",
  NotReadableError: "The camera is in use by another app: close that, or choose a photo.",
  OverconstrainedError: "The camera has no such picture: choose a photo.",
};
const INSECURE = "The browser gives the camera to secure pages only: open localhost, or choose a photo.";
const UNKNOWN = "The camera cannot be opened: choose a photo.";
const ENDED = "The camera was taken away: use it again, or choose a photo.";

export class Camera {
  #video;
  /** @type {MediaStream | null} */
  #stream = null;
  /** @type {WakeLockSentinel | null} a screen that goes dark takes the camera away */
  #awake = null;
  #facing = "environment";

  /** @param {HTMLVideoElement} video where the frames arrive */
  constructor(video) {
    this.#video = video;
  }

  get running() {
    return this.#stream !== null;
  }

  /**
   * Opens the camera, or another one that looks the other way, and calls `frame` for each of its
   * frames until `stop`, or `ended` with one sentence when it is taken away. Rejects with one
   * sentence when there is none.
   * @param {(video: HTMLVideoElement) => void} frame
   * @param {(why: string) => void} ended
   */
  async start(frame, ended) {
    this.stop();
    if (!navigator.mediaDevices) throw new Error(INSECURE);
    let stream;
    try {
      const video = { ...WANTED, facingMode: this.#facing };
      stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
    } catch (error) {
      throw new Error(WHY_NOT[error.name] ?? UNKNOWN);
    }
    this.#stream = stream;
    this.#video.srcObject = stream;
    stream.getVideoTracks()[0].addEventListener("ended", () => {
      if (this.#stream !== stream) return;
      this.stop();
      ended(ENDED);
    });
    await this.#video.play();
    this.#follow(stream, frame);
    const awake = await navigator.wakeLock?.request("screen").catch(() => null);
    if (this.#stream === stream) this.#awake = awake ?? null;
    else awake?.release();
  }

  stop() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#awake?.release();
    this.#stream = this.#awake = null;
    this.#video.srcObject = null;
  }

  /** The next `start` opens the camera that looks the other way. */
  turn() {
    this.#facing = this.#facing === "environment" ? "user" : "environment";
  }

  /** @returns {Promise<boolean>} whether there is more than one */
  async several() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices.filter((device) => device.kind === "videoinput").length > 1;
  }

  /**
   * @param {MediaStream} stream
   * @param {(video: HTMLVideoElement) => void} frame
   */
  #follow(stream, frame) {
    const video = this.#video;
    const next = video.requestVideoFrameCallback
      ? (then) => video.requestVideoFrameCallback(then)
      : (then) => requestAnimationFrame(then);
    const arrived = () => {
      if (this.#stream !== stream) return;
      if (video.videoWidth) frame(video);
      next(arrived);
    };
    next(arrived);
  }
}
