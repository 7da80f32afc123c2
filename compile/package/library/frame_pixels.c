#include "frame_pixels.h"

#include "system.h"

/* JFIF's full range of BT.601 in 16 bits of fraction, as libjpeg's jdcolor.c has it. */
enum {
  FRACTION = 16,
  HALF = 1 << (FRACTION - 1),
  RED_OF_V = 91881,    /* 1.402 */
  GREEN_OF_U = -22554, /* -0.344136 */
  GREEN_OF_V = -46802, /* -0.714136 */
  BLUE_OF_U = 116130,  /* 1.772 */
};

static int shows(const depth_plane *plane, int32_t columns, int32_t rows, int32_t sample) {
  size_t row = (size_t)(columns - 1) * (size_t)plane->pixel_stride + (size_t)sample;
  return plane->bytes >= row && (plane->bytes - row) / (size_t)plane->row_stride >= (size_t)rows - 1;
}

static depth_status check(const depth_plane *plane, int32_t columns, int32_t rows, int32_t sample,
                          const char **problem) {
  *problem = "a plane of the frame is null";
  if (!plane->data) {
    return DEPTH_BAD_ARGUMENT;
  }
  *problem = "a plane's pixel_stride is less than a sample";
  if (plane->pixel_stride < sample) {
    return DEPTH_BAD_ARGUMENT;
  }
  *problem = "a plane's row_stride is less than a row";
  if (plane->row_stride < (int64_t)(columns - 1) * plane->pixel_stride + sample)
    return DEPTH_BAD_ARGUMENT;
  *problem = "a plane of the frame is shorter than its size and strides say";
  return shows(plane, columns, rows, sample) ? DEPTH_OK : DEPTH_BAD_BUFFER;
}

static depth_status check_planes(const depth_frame *frame, const char **problem) {
  int32_t width = frame->width, height = frame->height;
  int is_nv21 = frame->format == DEPTH_NV21;
  if (frame->format == DEPTH_RGBA_8888) {
    return check(&frame->planes[0], width, height, 4, problem);
  }
  *problem = "a frame of NV21 or YUV_420_888 has an odd edge";
  if (width % 2 || height % 2) {
    return DEPTH_BAD_ARGUMENT;
  }
  depth_status status = check(&frame->planes[0], width, height, 1, problem);
  for (int i = 1; !status && i < (is_nv21 ? 2 : 3); i++)
    status = check(&frame->planes[i], width / 2, height / 2, is_nv21 ? 2 : 1, problem);
  return status;
}

depth_status frame_open(const depth_frame *frame, frame_pixels *pixels,
                        const char **problem) {
  *problem = "the frame is null";
  if (!frame) {
    return DEPTH_BAD_ARGUMENT;
  }
  *problem = "the frame's format is unknown";
  if (frame->format < DEPTH_RGBA_8888 || frame->format > DEPTH_YUV_420_888)
    return DEPTH_BAD_ARGUMENT;
  *problem = "the frame's edges are not 1 to 16384";
  if (frame->width < 1 || frame->height < 1 || frame->width > FRAME_EDGE ||
      frame->height > FRAME_EDGE)
    return DEPTH_BAD_ARGUMENT;
  *problem = "the frame's rotation is not 0, 90, 180 or 270";
  if (frame->rotation % 90 || frame->rotation < 0 || frame->rotation > 270)
    return DEPTH_BAD_ARGUMENT;
  depth_status status = check_planes(frame, problem);
  if (status) {
    return status;
  }
  pixels->width = frame->width;
  pixels->height = frame->height;
  pixels->rotation = frame->rotation;
  pixels->is_yuv = frame->format != DEPTH_RGBA_8888;
  memcpy(pixels->planes, frame->planes, sizeof pixels->planes);
  if (frame->format == DEPTH_NV21) {
    pixels->planes[2] = frame->planes[1];
    pixels->planes[1].data = frame->planes[1].data + 1;
  }
  return DEPTH_OK;
}

static inline uint32_t clipped(int32_t level) {
  level = level < 0 ? 0 : level;
  return (uint32_t)(level > 255 ? 255 : level);
}

static inline uint32_t packed(int32_t y, int32_t red, int32_t green, int32_t blue) {
  return clipped(y + red) | clipped(y + green) << 8 | clipped(y + blue) << 16;
}

/* Inlined with constant strides, where it becomes vector code. */
static inline __attribute__((always_inline)) void yuv_row(const uint8_t *y, const uint8_t *u,
                                                          const uint8_t *v, int32_t pairs,
                                                          int32_t y_stride, int32_t uv_stride,
                                                          uint32_t *restrict out) {
  for (int32_t i = 0; i < pairs; i++) {
    int32_t cb = u[i * uv_stride] - 128, cr = v[i * uv_stride] - 128;
    int32_t red = (RED_OF_V * cr + HALF) >> FRACTION;
    int32_t green = (GREEN_OF_U * cb + GREEN_OF_V * cr + HALF) >> FRACTION;
    int32_t blue = (BLUE_OF_U * cb + HALF) >> FRACTION;
    out[2 * i] = packed(y[2 * i * y_stride], red, green, blue);
    out[2 * i + 1] = packed(y[(2 * i + 1) * y_stride], red, green, blue);
  }
}

static const uint8_t *sample(const depth_plane *plane, int32_t x, int32_t y) {
  return plane->data + (size_t)y * (size_t)plane->row_stride +
         (size_t)x * (size_t)plane->pixel_stride;
}

const uint8_t *frame_row(const frame_pixels *pixels, int32_t y, uint8_t *buffer) {
  const depth_plane *planes = pixels->planes;
  int32_t stride = planes[0].pixel_stride;
  const uint8_t *first = sample(&planes[0], 0, y);
  if (!pixels->is_yuv) {
    if (stride == PIXEL) {
      return first;
    }
    for (int32_t x = 0; x < pixels->width; x++)
      memcpy(buffer + x * PIXEL, first + (size_t)x * (size_t)stride, PIXEL);
    return buffer;
  }
  const uint8_t *u = sample(&planes[1], 0, y / 2), *v = sample(&planes[2], 0, y / 2);
  int32_t pairs = pixels->width / 2, apart = planes[1].pixel_stride;
  uint32_t *out = (uint32_t *)(void *)buffer;
  if (stride == 1 && apart == 1 && planes[2].pixel_stride == 1)
    yuv_row(first, u, v, pairs, 1, 1, out);
  else if (stride == 1 && apart == 2 && planes[2].pixel_stride == 2)
    yuv_row(first, u, v, pairs, 1, 2, out);
  else
    for (int32_t x = 0; x < pixels->width; x++) frame_pixel(pixels, x, y, buffer + x * PIXEL);
  return buffer;
}

void frame_pixel(const frame_pixels *pixels, int32_t x, int32_t y, uint8_t rgb[3]) {
  const depth_plane *planes = pixels->planes;
  uint32_t pair[2];
  if (!pixels->is_yuv) {
    memcpy(rgb, sample(&planes[0], x, y), 3);
    return;
  }
  const uint8_t *luma = sample(&planes[0], x, y);
  yuv_row(luma, sample(&planes[1], x / 2, y / 2), sample(&planes[2], x / 2, y / 2), 1, 0, 0, pair);
  memcpy(rgb, pair, 3);
}
