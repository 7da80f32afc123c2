/** What the command line asked for, as the page's address says it: #threads=2&cpus=4,5 */

/**
 * @param {string} hash
 * @returns {{threads: number, cpus: number[]}}
 */
export function parseAsked(hash) {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  const cpus = (fields.get("cpus") ?? "").split(",").filter((one) => /^\d+$/.test(one));
  return { threads: Math.max(1, Number(fields.get("threads")) || 1), cpus: cpus.map(Number) };
}
