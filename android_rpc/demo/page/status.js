/** What the page says of itself: one sentence, and what can be done about it. */

const ACTIONS = ["again", "instead"];

/**
 * @param {string} sentence
 * @param {{bad?: boolean, offer?: "again" | "instead"}} [how] `offer` is the button beside it
 */
export function say(sentence, { bad = false, offer } = {}) {
  document.getElementById("sentence").textContent = sentence;
  document.getElementById("status").classList.toggle("bad", bad);
  for (const action of ACTIONS) document.getElementById(action).hidden = action !== offer;
}
