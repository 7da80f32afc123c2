/** The binary messages of the demo: a frame to the server, a map back. Little endian. */

const FRAME = 0x4d524644;
const MAP = 0x50414d44;
const FRAME_HEAD = 16;
const MAP_HEAD = 20;

/**
 * @typedef {object} DepthMap
 * @property {number} number of the frame that it is of
 * @property {number} width
 * @property {number} height
 * @property {number} forwardMs the network alone
 * @property {number} frameMs with the frame's conversion
 * @property {Float32Array} values row by row, in the unit of the model's output
 */

/**
 * @param {number} number
 * @param {ImageData} image upright
 * @returns {ArrayBuffer}
 */
export function encodeFrame(number, image) {
  const message = new ArrayBuffer(FRAME_HEAD + image.data.length);
  const head = new DataView(message);
  head.setUint32(0, FRAME, true);
  head.setUint32(4, number, true);
  head.setUint16(8, image.width, true);
  head.setUint16(10, image.height, true);
  new Uint8Array(message, FRAME_HEAD).set(image.data);
  return message;
}

/**
 * @param {ArrayBuffer} message
 * @returns {DepthMap | null} null for what is no map
 */
export function decodeMap(message) {
  if (message.byteLength < MAP_HEAD) return null;
  const head = new DataView(message);
  const width = head.getUint16(8, true);
  const height = head.getUint16(10, true);
  const whole = message.byteLength === MAP_HEAD + 4 * width * height;
  if (head.getUint32(0, true) !== MAP || !whole) return null;
  return {
    number: head.getUint32(4, true),
    width,
    height,
    forwardMs: head.getFloat32(12, true),
    frameMs: head.getFloat32(16, true),
    values: new Float32Array(message, MAP_HEAD),
  };
}
