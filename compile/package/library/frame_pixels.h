/* The pixels of a camera's frame, as it lies in memory, in any of its formats. */
#ifndef FRAME_PIXELS_H
#define FRAME_PIXELS_H

#include <stdbool.h>

#include "depth.h"

enum { FRAME_EDGE = 16384, PIXEL = 4 }; /* longest edge of a frame; bytes of a pixel in a row */

/* A frame whose planes are long enough for its size, NV21 with its three planes apart. */
typedef struct frame_pixels {
  int32_t width, height, rotation;
  bool is_yuv;
  depth_plane planes[3];
} frame_pixels;

/* Fills `pixels`; of a frame that is none, `problem` says what is wrong. */
depth_status frame_open(const depth_frame *frame, frame_pixels *pixels,
                        const char **problem);

/* Row `y` as pixels of R, G, B and a byte of no meaning: the frame's own where it has that form,
 * else in `buffer`, of width * PIXEL bytes. */
const uint8_t *frame_row(const frame_pixels *pixels, int32_t y, uint8_t *buffer);

/* Whether the upright picture's rows are columns in memory. */
static inline bool frame_is_turned(const frame_pixels *pixels) {
  return pixels->rotation % 180 != 0;
}

/* Whether the rotation is one of two. */
static inline bool frame_ends_first(const frame_pixels *pixels, int32_t one, int32_t other) {
  return pixels->rotation == one || pixels->rotation == other;
}

void frame_pixel(const frame_pixels *pixels, int32_t x, int32_t y, uint8_t rgb[3]);

#endif
