/* Antialiased resizing of a frame, the arithmetic of Pillow's src/libImaging/Resample.c. */
#ifndef FRAME_FILTER_H
#define FRAME_FILTER_H

#include "frame_levels.h"
#include "frame_memory.h"
#include "frame_pixels.h"

typedef enum frame_interpolation {
  FRAME_NEAREST,
  FRAME_BILINEAR,
  FRAME_BICUBIC,
  FRAME_LANCZOS
} frame_interpolation;

/* Of each output of an axis: the first pixel in memory that it is of, how many, their weights. */
typedef struct filter_axis {
  int32_t outputs, most;
  int32_t *first, *count, *weights;
} filter_axis;

typedef struct frame_filter {
  frame_interpolation interpolation;
  bool along_first; /* else rows are filtered down first, then along */
  filter_axis along, down; /* a row's pixels, and rows, as the frame lies in memory */
  const uint8_t **rows, **taps;   /* the last rows; those that an output is of */
  uint8_t *ring, *row, *line;
  size_t row_bytes;               /* of a row in the ring */
} frame_filter;

/* Sizes and places in memory, for frames of the size and rotation of `pixels`. */
void frame_filter_lay_out(frame_filter *filter, const frame_pixels *pixels,
                          const image_input *image, frame_interpolation interpolation,
                          frame_memory *memory);

/* The weights, for the same. */
void frame_filter_fill(frame_filter *filter, const frame_pixels *pixels);

void frame_filter_run(frame_filter *filter, const frame_pixels *pixels,
                      const frame_levels *levels, uint8_t *tensor);

#endif
