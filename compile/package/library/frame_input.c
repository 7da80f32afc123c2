#include "frame_input.h"

static frame_interpolation interpolation_of(const image_input *image) {
  static const char *const names[] = {"nearest", "bilinear", "bicubic", "lanczos"};
  int found = FRAME_NEAREST;
  for (int i = 0; i <= FRAME_LANCZOS; i++) {
    size_t bytes = strlen(names[i]);
    if (strlen(image->interpolation) == bytes &&
        memcmp(names[i], image->interpolation, bytes) == 0) {
      found = i;
    }
  }
  return (frame_interpolation)found;
}

/* As Pillow resizes; nearest has nothing to filter. */
static bool is_filtered(const image_input *image) {
  return image->antialias && interpolation_of(image) != FRAME_NEAREST;
}

static size_t lay_out(const image_input *image, frame_plan *plan, const frame_pixels *pixels) {
  frame_memory memory = {plan->memory, 0};
  if (is_filtered(image)) {
    frame_filter_lay_out(&plan->filter, pixels, image, interpolation_of(image), &memory);
  } else {
    frame_sampler_lay_out(&plan->sampler, image, interpolation_of(image), &memory);
  }
  return memory.used;
}

static bool is_for(const frame_plan *plan, const frame_pixels *pixels) {
  return plan->width == pixels->width && plan->height == pixels->height &&
         plan->rotation == pixels->rotation;
}

static bool prepare(const image_input *image, depth_type type, frame_plan *plan,
                    const frame_pixels *pixels) {
  frame_plan_end(plan);
  plan->memory_bytes = lay_out(image, plan, pixels);
  void *mapping = mmap(NULL, plan->memory_bytes, READABLE | WRITABLE, PRIVATE | ANONYMOUS, -1, 0);
  if (mapping == NO_MAPPING) {
    return false;
  }
  plan->memory = mapping;
  lay_out(image, plan, pixels);
  if (is_filtered(image)) {
    frame_filter_fill(&plan->filter, pixels);
  } else {
    frame_sampler_fill(&plan->sampler, pixels, image->align_corners);
  }
  frame_levels_prepare(&plan->levels, image, type);
  plan->width = pixels->width;
  plan->height = pixels->height;
  plan->rotation = pixels->rotation;
  return true;
}

depth_status frame_to_tensor(const image_input *image, depth_type type, frame_plan *plan,
                             const depth_frame *frame, uint8_t *tensor, const char **problem) {
  frame_pixels pixels;
  depth_status status = frame_open(frame, &pixels, problem);
  if (status != DEPTH_OK) {
    return status;
  }
  if (!is_for(plan, &pixels) && !prepare(image, type, plan, &pixels)) {
    *problem = "no memory for frames of this size";
    return DEPTH_NO_MEMORY;
  }
  if (is_filtered(image)) {
    frame_filter_run(&plan->filter, &pixels, &plan->levels, tensor);
  } else {
    frame_sampler_run(&plan->sampler, &pixels, &plan->levels, tensor);
  }
  return DEPTH_OK;
}

void frame_plan_end(frame_plan *plan) {
  if (plan->memory != NULL) {
    munmap(plan->memory, plan->memory_bytes);
  }
  memset(plan, 0, sizeof *plan);
}
