/** The one connection to the server that computes, and what is asked of it over HTTP. */

import { sentence } from "./format.js";
import { decodeMap } from "./wire.js";

const IN_USE = 4001;
const GONE = "The server has ended, or the cable is out: start depthbench demo again.";
const TAKEN = "Another browser uses this device: close the demo there, and try again.";

/**
 * @typedef {object} Package
 * @property {string} id
 * @property {string} name
 * @property {string} target
 * @property {string} precision
 * @property {number} threads that it was compiled for
 * @property {{width: number, height: number}} input
 * @property {{name: string, width: number, height: number, unit: string, meaning: string}} output
 */

/**
 * @typedef {object} Device
 * @property {string} name
 * @property {{cpu: number, max_mhz: number | null, part: string | null}[]} cores
 * @property {number | null} temperature_c
 */

/**
 * Dispatches `open`, `closed` (detail: why, one sentence), `map` (detail: a DepthMap), and each
 * message of the server by its type (detail: the message).
 */
export class Connection extends EventTarget {
  /** @type {WebSocket | null} */
  #socket = null;

  /** Opens the connection; `open` or `closed` follows. */
  open() {
    const url = new URL("live", document.baseURI);
    url.protocol = url.protocol.replace("http", "ws");
    url.hash = "";
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => this.#tell("open"));
    socket.addEventListener("message", (event) => this.#receive(event.data));
    socket.addEventListener("close", (event) => {
      this.#socket = null;
      this.#tell("closed", event.code === IN_USE ? TAKEN : GONE);
    });
    this.#socket = socket;
  }

  /** Whether the server still takes what is sent. */
  get alive() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Whether what was sent is still on its way: what is sent now would be queued. */
  get busy() {
    return !this.alive || this.#socket.bufferedAmount > 0;
  }

  /** @param {object | ArrayBuffer} message sent as JSON, or as it is */
  send(message) {
    if (!this.alive) return;
    this.#socket.send(message instanceof ArrayBuffer ? message : JSON.stringify(message));
  }

  /** @returns {Promise<{packages: Package[], device: Device}>} */
  async packages() {
    const answer = await fetch(new URL("packages", document.baseURI), { cache: "no-store" });
    if (!answer.ok) throw new Error(`The server refused the list of models (${answer.status}).`);
    return answer.json();
  }

  /**
   * Uploads a package's library; rejects with one sentence when the server refuses it.
   * @param {File} file
   * @param {(share: number) => void} progress
   * @returns {Promise<Package>}
   */
  upload(file, progress) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", new URL("packages", document.baseURI));
      request.responseType = "json";
      request.upload.addEventListener("progress", (event) => progress(event.loaded / file.size));
      request.addEventListener("load", () => {
        const said = request.response;
        if (request.status < 300 && said?.id) resolve(said);
        else reject(new Error(sentence(said?.message ?? `refused with ${request.status}`)));
      });
      request.addEventListener("error", () => reject(new Error("The upload was cut off.")));
      request.send(file);
    });
  }

  /** @param {string | ArrayBuffer} data */
  #receive(data) {
    if (typeof data !== "string") {
      const map = decodeMap(data);
      if (map) this.#tell("map", map);
      return;
    }
    const message = JSON.parse(data);
    this.#tell(message.type, message);
  }

  /**
   * @param {string} type
   * @param {unknown} [detail]
   */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
