/** Times in the order in which they were taken, as lines from zero, with p50 and p90 marked. */

import { milliseconds } from "./format.js";

const LABEL_PX = 11;
const MARGIN_PX = 88;
const ROOM = 1.15;

/**
 * @param {HTMLCanvasElement} canvas drawn in the colours of its style
 * @param {import("./samples.js").Samples} samples milliseconds
 * @param {number} slots how many there may be
 */
export function drawChart(canvas, samples, slots) {
  const { width, height } = canvas.getBoundingClientRect();
  if (!width) return;
  const density = window.devicePixelRatio;
  [canvas.width, canvas.height] = [Math.round(width * density), Math.round(height * density)];
  const context = canvas.getContext("2d");
  context.scale(density, density);
  const style = getComputedStyle(canvas);
  const [ink, quiet] = ["color", "--quiet"].map((name) => style.getPropertyValue(name));
  if (!samples.count) return;
  const [p50, p90] = [samples.percentile(0.5), samples.percentile(0.9)];
  // One time that stands out by far would hide all others.
  const top = ROOM * Math.max(Math.min(Math.max(...samples.all), 3 * p90), p90);
  const y = (ms) => height - (height * Math.min(ms, top)) / top;
  const plot = width - MARGIN_PX;
  const step = plot / slots;
  context.fillStyle = ink;
  samples.all.forEach((ms, i) => {
    context.fillRect(i * step, y(ms), Math.max(step - 0.25, 0.5), height - y(ms));
  });
  context.font = `${LABEL_PX}px ${style.fontFamily}`;
  context.strokeStyle = context.fillStyle = quiet;
  context.setLineDash([3, 3]);
  context.textBaseline = "middle";
  const apart = Math.max(0, LABEL_PX + 1 - (y(p50) - y(p90))) / 2;
  const rows = [
    ["p90", p90, -apart],
    ["p50", p50, apart],
  ];
  for (const [name, ms, aside] of rows) {
    context.beginPath();
    context.moveTo(0, y(ms));
    context.lineTo(plot, y(ms));
    context.stroke();
    context.fillText(`${name} ${milliseconds(ms)} ms`, plot + 6, y(ms) + aside);
  }
}
