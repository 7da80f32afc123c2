/* Resizing of a frame without antialiasing: nearest as Pillow does, bilinear and bicubic as
 * PyTorch's interpolate does. */
#ifndef FRAME_SAMPLE_H
#define FRAME_SAMPLE_H

#include "frame_filter.h"

/* Of each output of an axis of the upright picture: `taps` places in memory and their weights. */
typedef struct sample_axis {
  int32_t outputs, taps;
  int32_t *places;
  float *weights;
} sample_axis;

enum { FRAME_TAPS = 4 }; /* at most */

typedef struct frame_sampler {
  sample_axis across, down;
  float *lines; /* the last rows of the upright picture, resized across */
  float *line;
  int32_t held[FRAME_TAPS]; /* the place of each of them; -1: none */
} frame_sampler;

void frame_sampler_lay_out(frame_sampler *sampler, const image_input *image,
                           frame_interpolation interpolation, frame_memory *memory);

/* Places and weights, for frames of the size and rotation of `pixels`. */
void frame_sampler_fill(frame_sampler *sampler, const frame_pixels *pixels, bool align_corners);

void frame_sampler_run(frame_sampler *sampler, const frame_pixels *pixels,
                       const frame_levels *levels, uint8_t *tensor);

#endif
