/** LOAD MODEL: the packages at hand or a file, its threads, and the cores to pin them to. */

import { counted } from "./format.js";

export class ModelDialog {
  #connection;
  #dialog = /** @type {HTMLDialogElement} */ (document.getElementById("models"));
  #list = document.getElementById("packages");
  #coreList = document.getElementById("core-list");
  #threads = /** @type {HTMLInputElement} */ (document.getElementById("thread-count"));
  #status = document.getElementById("models-status");
  #file = /** @type {HTMLInputElement} */ (document.getElementById("package-file"));
  /** @type {import("./connection.js").Package[]} */
  #packages = [];

  /**
   * @param {import("./connection.js").Connection} connection
   * @param {(one: import("./connection.js").Package, threads: number, cpus: number[]) => void} taken
   */
  constructor(connection, taken) {
    this.#connection = connection;
    this.#dialog.addEventListener("close", () => {
      const one = this.chosen;
      if (this.#dialog.returnValue === "load" && one) taken(one, this.threads, this.cpus);
    });
    this.#list.addEventListener("change", () => this.#takeAllThreads());
    this.#coreList.addEventListener("change", () => this.#takeAllThreads());
    this.#threads.addEventListener("change", () => (this.#threads.value = String(this.threads)));
    document.getElementById("file").addEventListener("click", () => this.#file.click());
    this.#file.addEventListener("change", () => this.#upload());
  }

  open() {
    this.#status.textContent = "";
    this.#dialog.returnValue = "";
    this.#dialog.showModal();
  }

  /**
   * @param {import("./connection.js").Package[]} packages
   * @param {import("./connection.js").Device["cores"]} cores
   */
  fill(packages, cores) {
    this.#packages = packages;
    this.#coreList.replaceChildren(
      ...cores.map(({ cpu, max_mhz: mhz, part }) => {
        const words = [mhz ? `${Math.round(mhz)} MHz` : "", part ?? ""].filter(Boolean).join(", ");
        return choice("checkbox", "core", String(cpu), `cpu ${cpu}`, words, false);
      }),
    );
    document.getElementById("cores-choice").hidden = !cores.length;
    this.#listPackages(packages[0]?.id);
  }

  /** @returns {import("./connection.js").Package | undefined} */
  get chosen() {
    const id = this.#list.querySelector("input:checked")?.value;
    return this.#packages.find((one) => one.id === id);
  }

  /** @returns {number} no more than the package was compiled for, nor than the cores */
  get threads() {
    return Math.min(Math.max(1, this.#threads.valueAsNumber || 1), this.#most);
  }

  /** @returns {number[]} a core a thread; none where the device is to choose */
  get cpus() {
    return this.#cores.slice(0, this.threads);
  }

  get #cores() {
    return [...this.#coreList.querySelectorAll("input:checked")].map((one) => Number(one.value));
  }

  get #most() {
    return Math.min(this.chosen?.threads ?? 1, this.#cores.length || Infinity);
  }

  /** @param {string} [chosen] */
  #listPackages(chosen) {
    this.#list.replaceChildren(
      ...this.#packages.map((one) => {
        const { width, height } = one.input;
        const threads = counted(one.threads, "thread");
        const words = `${one.target}, ${one.precision}, ${width} × ${height}, up to ${threads}`;
        return choice("radio", "package", one.id, one.name, words, one.id === chosen);
      }),
    );
    this.#takeAllThreads();
  }

  /** As many as can be. */
  #takeAllThreads() {
    this.#threads.max = this.#threads.value = String(this.#most);
  }

  async #upload() {
    const file = this.#file.files[0];
    this.#file.value = "";
    if (!file) return;
    const say = (share) => {
      this.#status.textContent = `Sending ${file.name}: ${Math.round(100 * share)} %.`;
    };
    say(0);
    try {
      const added = await this.#connection.upload(file, say);
      this.#packages = [...this.#packages.filter((one) => one.id !== added.id), added];
      this.#listPackages(added.id);
      this.#status.textContent = `${added.name} is here: choose Load.`;
    } catch (error) {
      this.#status.textContent = error.message;
    }
  }
}

/**
 * @param {"radio" | "checkbox"} type
 * @param {string} name
 * @param {string} value
 * @param {string} title
 * @param {string} words about it
 * @param {boolean} checked
 */
function choice(type, name, value, title, words, checked) {
  const input = Object.assign(document.createElement("input"), { type, name, value, checked });
  const strong = Object.assign(document.createElement("b"), { textContent: title });
  const rest = Object.assign(document.createElement("span"), { textContent: words });
  const label = document.createElement("label");
  label.className = "choice";
  label.append(input, strong, rest);
  return label;
}
