#include "frame_sample.h"

#pragma STDC FP_CONTRACT OFF

enum { CHANNELS = 3 };

/* Keys' cubic convolution with a = -0.75, as PyTorch and OpenCV take it. */
static float near_weight(float x) {
  const float a = -0.75f;
  return ((a + 2) * x - (a + 3)) * x * x + 1;
}

static float far_weight(float x) {
  const float a = -0.75f;
  return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
}

static int32_t clamped(int32_t place, int32_t edge) {
  return place < 0 ? 0 : place >= edge ? edge - 1 : place;
}

/* The places and weights of one output at `position`, as upsampling in ATen has them. */
static void fill_taps(int32_t taps, float position, int32_t edge, int32_t *places,
                      float *weights) {
  position = taps == 2 && position < 0 ? 0 : position;
  int32_t first = (int32_t)position - (position < (float)(int32_t)position);
  first = first < edge - 1 ? first : edge - 1;
  float t = position - (float)first;
  t = t < 0 ? 0 : t > 1 ? 1 : t;
  if (taps == 2) {
    weights[0] = 1 - t;
    weights[1] = t;
  } else {
    weights[0] = far_weight(t + 1);
    weights[1] = near_weight(t);
    weights[2] = near_weight(1 - t);
    weights[3] = far_weight(1 - t + 1);
  }
  for (int32_t i = 0; i < taps; i++) {
    places[i] = clamped(first + i - (taps == 4), edge);
  }
}

static void lay_out_axis(sample_axis *axis, int32_t outputs, int32_t taps, frame_memory *memory) {
  axis->outputs = outputs;
  axis->taps = taps;
  size_t all = (size_t)outputs * (size_t)taps;
  axis->places = frame_take(memory, all, sizeof *axis->places);
  axis->weights = frame_take(memory, all, sizeof *axis->weights);
}

static void fill_axis(sample_axis *axis, int32_t edge, bool mirrored, bool align_corners) {
  int32_t taps = axis->taps, outputs = axis->outputs;
  float scale = (float)edge / (float)outputs;
  if (align_corners) {
    scale = outputs > 1 ? (float)(edge - 1) / (float)(outputs - 1) : 0;
  }
  double step = (double)edge / outputs, nearest = step * 0.5;
  for (int32_t output = 0; output < outputs; output++, nearest += step) {
    int32_t *places = axis->places + output * taps;
    float *weights = axis->weights + output * taps, at = (float)output;
    if (taps == 1) {
      places[0] = clamped((int32_t)nearest, edge);
      weights[0] = 1;
    } else {
      float position = align_corners ? scale * at : scale * (at + 0.5f) - 0.5f;
      fill_taps(taps, position, edge, places, weights);
    }
    for (int32_t i = 0; mirrored && i < taps; i++) {
      places[i] = edge - 1 - places[i];
    }
  }
}

void frame_sampler_lay_out(frame_sampler *sampler, const image_input *image,
                           frame_interpolation interpolation, frame_memory *memory) {
  int32_t taps = interpolation == FRAME_NEAREST ? 1 : interpolation == FRAME_BILINEAR ? 2 : 4;
  lay_out_axis(&sampler->across, image->width, taps, memory);
  lay_out_axis(&sampler->down, image->height, taps, memory);
  size_t floats = (size_t)image->width * CHANNELS;
  sampler->lines = frame_take(memory, floats * FRAME_TAPS, sizeof *sampler->lines);
  sampler->line = frame_take(memory, floats, sizeof *sampler->line);
}

void frame_sampler_fill(frame_sampler *sampler, const frame_pixels *pixels, bool align_corners) {
  bool turned = frame_is_turned(pixels);
  fill_axis(&sampler->across, turned ? pixels->height : pixels->width,
            frame_ends_first(pixels, 90, 180), align_corners);
  fill_axis(&sampler->down, turned ? pixels->width : pixels->height,
            frame_ends_first(pixels, 180, 270), align_corners);
}

/* A row of the upright picture, resized across. */
static void sample_row(const sample_axis *across, const frame_pixels *pixels,
                       int32_t place, float *out) {
  bool turned = frame_is_turned(pixels);
  for (int32_t output = 0; output < across->outputs; output++, out += CHANNELS) {
    float sums[CHANNELS] = {0};
    for (int32_t tap = output * across->taps; tap < (output + 1) * across->taps; tap++) {
      uint8_t rgb[CHANNELS];
      int32_t other = across->places[tap];
      frame_pixel(pixels, turned ? place : other, turned ? other : place, rgb);
      for (int i = 0; i < CHANNELS; i++) {
        sums[i] += across->weights[tap] * (float)rgb[i];
      }
    }
    memcpy(out, sums, sizeof sums);
  }
}

void frame_sampler_run(frame_sampler *sampler, const frame_pixels *pixels,
                       const frame_levels *levels, uint8_t *tensor) {
  const sample_axis *down = &sampler->down;
  int32_t floats = sampler->across.outputs * CHANNELS;
  for (int i = 0; i < FRAME_TAPS; i++) {
    sampler->held[i] = -1;
  }
  for (int32_t output = 0; output < down->outputs; output++) {
    memset(sampler->line, 0, (size_t)floats * sizeof *sampler->line);
    for (int32_t tap = output * down->taps; tap < (output + 1) * down->taps; tap++) {
      int32_t place = down->places[tap], slot = place % FRAME_TAPS;
      float *line = sampler->lines + (size_t)slot * (size_t)floats, weight = down->weights[tap];
      if (sampler->held[slot] != place) {
        sample_row(&sampler->across, pixels, place, line);
        sampler->held[slot] = place;
      }
      for (int32_t i = 0; i < floats; i++) {
        sampler->line[i] += weight * line[i];
      }
    }
    frame_put_floats(levels, output, sampler->line, tensor);
  }
}
