/* From a camera's frame to the input of a network, as the network's card says. */
#ifndef FRAME_INPUT_H
#define FRAME_INPUT_H

#include "frame_filter.h"
#include "frame_sample.h"

/* What frames of one size and rotation need; zeros before the first. */
typedef struct frame_plan {
  int32_t width, height, rotation;
  uint8_t *memory; /* a mapping */
  size_t memory_bytes;
  frame_levels levels;
  frame_filter filter;
  frame_sampler sampler;
} frame_plan;

/* Writes the input, of type `type`, of a frame: turned upright, stretched to the image's size, its
 * levels in the image's form. Maps memory only where the frame's size or rotation is another than
 * in the call before; a plan is of one image, which outlives it. Where it fails, `problem` says
 * why. */
depth_status frame_to_tensor(const image_input *image, depth_type type, frame_plan *plan,
                             const depth_frame *frame, uint8_t *tensor, const char **problem);

void frame_plan_end(frame_plan *plan);

#endif
