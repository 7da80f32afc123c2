/* From levels, 0 to 255, to the values of an image's tensor. */
#ifndef FRAME_LEVELS_H
#define FRAME_LEVELS_H

#include "network.h"

enum { LEVELS = 256, WIDEST = 8 };

typedef struct frame_levels {
  const image_input *image;
  depth_type type; /* of the tensor: float16, float32, float64 or uint8 */
  uint8_t table[3][LEVELS][WIDEST]; /* by R, G, B and level: the value in the tensor's type */
} frame_levels;

void frame_levels_prepare(frame_levels *levels, const image_input *image, depth_type type);

/* Where a line of pixels lies in the tensor: a row, or a column. */
typedef enum frame_line { FRAME_ROW, FRAME_COLUMN } frame_line;

/* Pixels of four bytes: R, G, B, and one that is not looked at. */
void frame_put_bytes(const frame_levels *levels, frame_line line, int32_t place,
                     const uint8_t *pixels, uint8_t *tensor);

/* A row of pixels of R, G and B, levels that need not be whole. */
void frame_put_floats(const frame_levels *levels, int32_t row, const float *pixels,
                      uint8_t *tensor);

#endif
