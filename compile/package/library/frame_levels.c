#include "frame_levels.h"

#include "half.h"

#pragma STDC FP_CONTRACT OFF

enum { CHANNELS = 3 };

/* Adding and subtracting it leaves no fraction, and of two numbers as near the even one. */
static const float WHOLE = 0x1.8p23f;

static size_t size_of(depth_type type) {
  return type == DEPTH_UINT8 ? 1 : type == DEPTH_FLOAT16 ? 2 : type == DEPTH_FLOAT32 ? 4 : 8;
}

static inline void write_value(const frame_levels *levels, int channel, float level, uint8_t *at) {
  const image_input *image = levels->image;
  if (image->bytes) {
    level = level < 0.0f ? 0.0f : level > 255.0f ? 255.0f : level;
    *at = (uint8_t)(level + WHOLE - WHOLE);
    return;
  }
  float value = image->low + level * (image->high - image->low) / 255.0f;
  value = (value - image->mean[channel]) / image->std[channel];
  if (levels->type == DEPTH_FLOAT32) {
    memcpy(at, &value, sizeof value);
  } else if (levels->type == DEPTH_FLOAT16) {
    uint16_t half = half_of(value);
    memcpy(at, &half, sizeof half);
  } else {
    double wide = value;
    memcpy(at, &wide, sizeof wide);
  }
}

/* The channel of the tensor that R, G or B is. */
static int place_of(const image_input *image, int colour) {
  return image->bgr ? CHANNELS - 1 - colour : colour;
}

void frame_levels_prepare(frame_levels *levels, const image_input *image, depth_type type) {
  levels->image = image;
  levels->type = type;
  for (int colour = 0; colour < CHANNELS; colour++) {
    for (int level = 0; level < LEVELS; level++) {
      write_value(levels, place_of(image, colour), (float)level, levels->table[colour][level]);
    }
  }
}

/* In elements: the first of R, G and B of a line, and from a pixel to the next. */
typedef struct layout {
  size_t first[CHANNELS], step, count;
} layout;

static layout layout_of(const frame_levels *levels, frame_line line,
                               int32_t place) {
  const image_input *image = levels->image;
  size_t width = (size_t)image->width, height = (size_t)image->height;
  size_t pixel = image->channels_last ? CHANNELS : 1;
  size_t channel = image->channels_last ? 1 : width * height;
  layout layout;
  size_t start = (size_t)place * pixel * (line == FRAME_ROW ? width : 1);
  layout.step = pixel * (line == FRAME_ROW ? 1 : width);
  layout.count = line == FRAME_ROW ? width : height;
  for (int colour = 0; colour < CHANNELS; colour++) {
    layout.first[colour] = start + channel * (size_t)place_of(image, colour);
  }
  return layout;
}

/* Inlined with a constant size, where a value is one instruction. */
static inline __attribute__((always_inline)) void put(const frame_levels *levels,
                                                      const layout *layout, size_t size,
                                                      const uint8_t *restrict pixels,
                                                      uint8_t *restrict tensor) {
  for (int colour = 0; colour < CHANNELS; colour++) {
    const uint8_t(*table)[WIDEST] = levels->table[colour];
    uint8_t *at = tensor + layout->first[colour] * size;
    for (size_t i = 0; i < layout->count; i++, at += layout->step * size) {
      memcpy(at, table[pixels[4 * i + (size_t)colour]], size);
    }
  }
}

void frame_put_bytes(const frame_levels *levels, frame_line line, int32_t place,
                     const uint8_t *pixels, uint8_t *tensor) {
  layout layout = layout_of(levels, line, place);
  switch (levels->type) {
    case DEPTH_UINT8: put(levels, &layout, 1, pixels, tensor); break;
    case DEPTH_FLOAT16: put(levels, &layout, 2, pixels, tensor); break;
    case DEPTH_FLOAT32: put(levels, &layout, 4, pixels, tensor); break;
    default: put(levels, &layout, 8, pixels, tensor);
  }
}

void frame_put_floats(const frame_levels *levels, int32_t row, const float *pixels,
                      uint8_t *tensor) {
  layout layout = layout_of(levels, FRAME_ROW, row);
  size_t size = size_of(levels->type);
  for (int colour = 0; colour < CHANNELS; colour++) {
    int channel = place_of(levels->image, colour);
    for (size_t i = 0; i < layout.count; i++) {
      write_value(levels, channel, pixels[CHANNELS * i + (size_t)colour],
                  tensor + (layout.first[colour] + i * layout.step) * size);
    }
  }
}
