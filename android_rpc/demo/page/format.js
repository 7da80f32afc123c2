/** How numbers are written: tabular figures, a dash for what is not known. */

export const UNKNOWN = "–";

/**
 * @param {number | null | undefined} value
 * @param {number} digits after the point
 * @returns {string}
 */
export function fixed(value, digits) {
  return typeof value === "number" && Number.isFinite(value) ? value.toFixed(digits) : UNKNOWN;
}

/**
 * Milliseconds with about three figures, and at least one after the point.
 * @param {number | null | undefined} ms
 * @returns {string}
 */
export function milliseconds(ms) {
  return fixed(ms, ms < 1 ? 3 : ms < 10 ? 2 : 1);
}

/**
 * Numbers of cores as a person writes them: 0–3, 6.
 * @param {number[]} cores
 * @returns {string}
 */
export function coreList(cores) {
  const runs = [];
  for (const core of [...cores].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last && core === last[1] + 1) last[1] = core;
    else runs.push([core, core]);
  }
  return runs.map(([first, end]) => (first === end ? `${first}` : `${first}–${end}`)).join(", ");
}

/**
 * @param {number} count
 * @param {string} noun
 * @returns {string} 1 thread, 2 threads
 */
export function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/**
 * What the server says of an error, as a sentence.
 * @param {string} words
 * @returns {string}
 */
export function sentence(words) {
  const whole = words.trim() || "the server gave no reason";
  return `${whole[0].toUpperCase()}${whole.slice(1)}${/[.!?]$/.test(whole) ? "" : "."}`;
}
