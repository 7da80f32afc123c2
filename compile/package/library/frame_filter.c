#include "frame_filter.h"

#pragma STDC FP_CONTRACT OFF

/* Weights have 22 bits of fraction, so that a sum of 255 times them fits 32. */
enum { FRACTION = 32 - 8 - 2, HALF = 1 << (FRACTION - 1), WIDE = 16 };
static const double PI = 3.14159265358979323846;

/* sin(pi x) of x in [-3, 3]: Taylor's series where |pi x| is at most pi / 2. */
static double sine_of_turns(double x) {
  int whole = (int)(x < 0 ? x - 0.5 : x + 0.5);
  double angle = (x - whole) * PI, term = angle, sum = angle;
  for (int n = 2; n <= 24; n += 2) {
    term *= -angle * angle / (n * (n + 1));
    sum += term;
  }
  return whole % 2 ? -sum : sum;
}

static double sinc(double x) { return x == 0.0 ? 1.0 : sine_of_turns(x) / (x * PI); }

static double weight(frame_interpolation interpolation, double x) {
  const double a = -0.5;
  if (interpolation == FRAME_LANCZOS) {
    return -3.0 <= x && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0;
  }
  x = x < 0.0 ? -x : x;
  if (interpolation == FRAME_BILINEAR) {
    return x < 1.0 ? 1.0 - x : 0.0;
  }
  if (x < 1.0) {
    return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  }
  return x < 2.0 ? (((x - 5) * x + 8) * x - 4) * a : 0.0;
}

/* Fills an output's weights in order of memory, from the far end where the axis is mirrored. */
static void fill_weights(filter_axis *axis, int32_t output, double centre, double shrink,
                         frame_interpolation interpolation, int32_t edge, bool mirrored) {
  int32_t first = axis->first[output], count = axis->count[output];
  int32_t *weights = axis->weights + (size_t)output * (size_t)axis->most;
  double sum = 0.0;
  for (int32_t i = 0; i < count; i++) {
    sum += weight(interpolation, (i + first - centre + 0.5) * shrink);
  }
  for (int32_t i = 0; i < count; i++) {
    double share = weight(interpolation, (i + first - centre + 0.5) * shrink);
    share = sum != 0.0 ? share / sum : share;
    share = share * (1 << FRACTION) + (share < 0 ? -0.5 : 0.5);
    weights[mirrored ? count - 1 - i : i] = (int32_t)share;
  }
  axis->first[output] = mirrored ? edge - first - count : first;
}

/* How far a pixel of the result reaches, in pixels of the frame; where the edge stays as it is,
 * each pixel is itself. */
static double reach(frame_interpolation interpolation, int32_t edge, int32_t outputs) {
  if (edge == outputs) {
    return 0.5;
  }
  double pixels = interpolation == FRAME_BILINEAR ? 1.0 : interpolation == FRAME_BICUBIC ? 2.0 : 3.0;
  return edge > outputs ? pixels * ((double)edge / outputs) : pixels;
}

static void lay_out_axis(filter_axis *axis, int32_t edge, int32_t outputs,
                         frame_interpolation interpolation, frame_memory *memory) {
  double support = reach(interpolation, edge, outputs);
  axis->outputs = outputs;
  axis->most = ((int32_t)support + ((int32_t)support < support)) * 2 + 1;
  size_t count = (size_t)outputs;
  axis->first = frame_take(memory, count, sizeof *axis->first);
  axis->count = frame_take(memory, count, sizeof *axis->count);
  axis->weights = frame_take(memory, count * (size_t)axis->most, sizeof *axis->weights);
}

static void fill_axis(filter_axis *axis, int32_t edge, bool mirrored,
                      frame_interpolation interpolation) {
  double scale = (double)edge / axis->outputs, support = reach(interpolation, edge, axis->outputs);
  double shrink = scale < 1.0 ? 1.0 : 1.0 / scale;
  for (int32_t output = 0; output < axis->outputs; output++) {
    double centre = (output + 0.5) * scale, start = centre - support + 0.5;
    int32_t first = start < 0 ? 0 : (int32_t)start, end = (int32_t)(centre + support + 0.5);
    axis->first[output] = first;
    axis->count[output] = (end > edge ? edge : end) - first;
    fill_weights(axis, output, centre, shrink, interpolation, edge, mirrored);
  }
}

/* Of the upright picture, as Pillow decides from 13 on; earlier ones never do. */
static bool is_vertical_first(const frame_pixels *pixels, const image_input *image) {
  bool turned = frame_is_turned(pixels);
  int32_t wider = (turned ? pixels->height : pixels->width) - image->width;
  int32_t higher = (turned ? pixels->width : pixels->height) - image->height;
  return higher > 0 && higher > 2 * wider;
}

void frame_filter_lay_out(frame_filter *filter, const frame_pixels *pixels,
                          const image_input *image, frame_interpolation interpolation,
                          frame_memory *memory) {
  bool turned = frame_is_turned(pixels);
  int32_t columns = turned ? image->height : image->width;
  int32_t rows = turned ? image->width : image->height;
  filter->interpolation = interpolation;
  filter->along_first = turned == is_vertical_first(pixels, image);
  lay_out_axis(&filter->along, pixels->width, columns, interpolation, memory);
  lay_out_axis(&filter->down, pixels->height, rows, interpolation, memory);
  size_t most = (size_t)filter->down.most;
  filter->row_bytes = (size_t)(filter->along_first ? columns : pixels->width) * PIXEL;
  filter->rows = frame_take(memory, most, sizeof *filter->rows);
  filter->taps = frame_take(memory, most, sizeof *filter->taps);
  filter->ring = frame_take(memory, most, filter->row_bytes);
  filter->row = frame_take(memory, (size_t)pixels->width, PIXEL);
  filter->line = frame_take(memory, (size_t)columns, PIXEL);
}

void frame_filter_fill(frame_filter *filter, const frame_pixels *pixels) {
  fill_axis(&filter->along, pixels->width, frame_ends_first(pixels, 180, 270),
            filter->interpolation);
  fill_axis(&filter->down, pixels->height, frame_ends_first(pixels, 90, 180),
            filter->interpolation);
}

typedef int32_t int32x4 __attribute__((vector_size(16)));
typedef int32_t int32x16 __attribute__((vector_size(64)));
typedef uint8_t uint8x4 __attribute__((vector_size(4)));
typedef uint8_t uint8x16 __attribute__((vector_size(16)));

/* Levels of sums, as far as their last eight bits: below 0 is 0, above 255 is 255. */
#define CLIPPED(sum) (((sum) >> FRACTION & ((sum) > 0)) | ((sum) >> FRACTION > 255))

static inline uint8x4 sum_pixels(const filter_axis *axis, int32_t output,
                                 const uint8_t *row) {
  const int32_t *weights = axis->weights + (size_t)output * (size_t)axis->most;
  const uint8_t *from = row + (size_t)axis->first[output] * PIXEL;
  int32x4 sum = {HALF, HALF, HALF, HALF};
  for (int32_t i = 0; i < axis->count[output]; i++) {
    uint8x4 pixel;
    memcpy(&pixel, from + i * PIXEL, sizeof pixel);
    sum += __builtin_convertvector(pixel, int32x4) * weights[i];
  }
  return __builtin_convertvector(CLIPPED(sum), uint8x4);
}

static void filter_along(const filter_axis *axis, const uint8_t *row, uint8_t *out) {
  for (int32_t output = 0; output < axis->outputs; output++) {
    uint8x4 pixel = sum_pixels(axis, output, row);
    memcpy(out + output * PIXEL, &pixel, sizeof pixel);
  }
}

static void filter_down(const uint8_t *const *rows, const int32_t *weights, int32_t count,
                        size_t bytes, uint8_t *out) {
  size_t at = 0;
  for (; at + WIDE <= bytes; at += WIDE) {
    int32x16 sum = (int32x16){0} + HALF;
    for (int32_t i = 0; i < count; i++) {
      uint8x16 levels;
      memcpy(&levels, rows[i] + at, sizeof levels);
      sum += __builtin_convertvector(levels, int32x16) * weights[i];
    }
    uint8x16 levels = __builtin_convertvector(CLIPPED(sum), uint8x16);
    memcpy(out + at, &levels, sizeof levels);
  }
  for (; at < bytes; at += PIXEL) {
    int32x4 sum = {HALF, HALF, HALF, HALF};
    for (int32_t i = 0; i < count; i++) {
      uint8x4 levels;
      memcpy(&levels, rows[i] + at, sizeof levels);
      sum += __builtin_convertvector(levels, int32x4) * weights[i];
    }
    uint8x4 levels = __builtin_convertvector(CLIPPED(sum), uint8x4);
    memcpy(out + at, &levels, sizeof levels);
  }
}

/* A row of the ring: of the frame, filtered where that comes first. */
static const uint8_t *next_row(frame_filter *filter, const frame_pixels *pixels,
                               int32_t y) {
  uint8_t *slot = filter->ring + (size_t)(y % filter->down.most) * filter->row_bytes;
  if (!filter->along_first) {
    return frame_row(pixels, y, slot);
  }
  filter_along(&filter->along, frame_row(pixels, y, filter->row), slot);
  return slot;
}

void frame_filter_run(frame_filter *filter, const frame_pixels *pixels,
                      const frame_levels *levels, uint8_t *tensor) {
  const filter_axis *down = &filter->down;
  frame_line lines = frame_is_turned(pixels) ? FRAME_COLUMN : FRAME_ROW;
  bool backwards = frame_ends_first(pixels, 90, 180);
  int32_t next = 0;
  for (int32_t i = 0; i < down->outputs; i++) {
    int32_t place = backwards ? down->outputs - 1 - i : i;
    int32_t first = down->first[place], count = down->count[place];
    next = next < first ? first : next;
    for (; next < first + count; next++) {
      filter->rows[next % down->most] = next_row(filter, pixels, next);
    }
    for (int32_t tap = 0; tap < count; tap++) {
      filter->taps[tap] = filter->rows[(first + tap) % down->most];
    }
    uint8_t *sums = filter->along_first ? filter->line : filter->row;
    filter_down(filter->taps, down->weights + (size_t)place * (size_t)down->most, count,
                filter->row_bytes, sums);
    if (!filter->along_first) {
      filter_along(&filter->along, sums, filter->line);
    }
    frame_put_bytes(levels, lines, place, filter->line, tensor);
  }
}
