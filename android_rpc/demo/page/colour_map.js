/** From depth to colours: near is bright in magma and viridis, dark in grey as in the paper. */

import { MAGMA, VIRIDIS } from "./colour_tables.js";

const COLOURS = 256;
const OPAQUE = 0xff000000;
// What is no number, as of a pixel that the model says nothing of.
const NOTHING = 0xff808080;

/** @type {Record<string, Uint32Array>} colours from near to far, as ImageData holds them */
export const PALETTES = {
  magma: parse(MAGMA).reverse(),
  viridis: parse(VIRIDIS).reverse(),
  grey: Uint32Array.from({ length: COLOURS }, (_, level) => OPAQUE | (level * 0x010101)),
};

/**
 * @param {Float32Array} values
 * @param {number} near the value of the first colour
 * @param {number} far that of the last; below `near` where what is near is large
 * @param {Uint32Array} palette
 * @param {ImageData} image that is painted, a pixel a value
 */
export function paint(values, near, far, palette, image) {
  const pixels = new Uint32Array(image.data.buffer);
  const scale = (COLOURS - 1) / (far - near || 1);
  for (let i = 0; i < pixels.length; i += 1) {
    const place = Math.round((values[i] - near) * scale);
    pixels[i] = Number.isNaN(place) ? NOTHING : palette[Math.min(COLOURS - 1, Math.max(0, place))];
  }
}

/**
 * @param {string} table
 * @returns {Uint32Array}
 */
function parse(table) {
  return Uint32Array.from({ length: COLOURS }, (_, i) => {
    const rgb = parseInt(table.slice(6 * i, 6 * i + 6), 16);
    return OPAQUE | ((rgb & 0xff) << 16) | (rgb & 0xff00) | (rgb >> 16);
  });
}
