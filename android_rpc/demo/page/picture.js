/** The pair of picture and depth as one picture, with its scale and where it comes from. */

const GAP = 8;
const BAR = 12;
const ROW = 22;
const HEIGHT = 480;

/**
 * @typedef {object} Caption
 * @property {string} near the value of the first colour, with its unit
 * @property {string} far
 * @property {string} words
 */

/**
 * Draws the pair, side by side, on a canvas that is resized to hold it.
 * @param {HTMLCanvasElement} canvas
 * @param {{frame: HTMLCanvasElement, depth: HTMLCanvasElement}} pair
 * @param {HTMLCanvasElement} colours the bar, from near to far
 * @param {Caption} caption
 */
export function drawPicture(canvas, { frame, depth }, colours, caption) {
  const height = HEIGHT;
  // Encoders of video take even edges only.
  const width = 2 * Math.round((height * frame.width) / frame.height / 2);
  const [whole, tall] = [2 * width + GAP, height + BAR + GAP + ROW + GAP];
  if (canvas.width !== whole || canvas.height !== tall) [canvas.width, canvas.height] = [whole, tall];
  const context = canvas.getContext("2d");
  context.fillStyle = "#14171a";
  context.fillRect(0, 0, whole, tall);
  context.drawImage(frame, 0, 0, width, height);
  context.drawImage(depth, width + GAP, 0, width, height);
  context.drawImage(colours, width + GAP, height + GAP, width, BAR);
  context.fillStyle = "#e8eaed";
  context.font = "15px system-ui, sans-serif";
  context.textBaseline = "middle";
  const line = height + GAP + BAR + ROW / 2 + 2;
  context.textAlign = "left";
  context.fillText(caption.words, GAP, line, width - GAP);
  context.fillText(caption.near, width + GAP, line);
  context.textAlign = "right";
  context.fillText(caption.far, whole - GAP, line);
}

/**
 * @param {Blob} blob
 * @param {string} extension
 */
export function save(blob, extension) {
  const when = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `depth-${when}.${extension}`;
  link.click();
  // Browsers read it after the click, at their leisure.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
