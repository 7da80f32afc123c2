/* A camera's frame in, a map of depth out. */
#include "half.h"
#include "instance.h"
#include "stopwatch.h"

#pragma STDC FP_CONTRACT OFF

static const depth_port *map_port(void) {
  return &network_output[network_image.output];
}

static size_t map_count(void) {
  size_t count = 1;
  for (int32_t i = 0; i < map_port()->rank; i++) {
    count *= (size_t)map_port()->shape[i];
  }
  return count;
}

static depth_status check(depth_network network, const float *map, size_t map_bytes) {
  if (network_image.height == 0) {
    return failed(network, DEPTH_NO_IMAGE, "the network does not take one image and give a map");
  }
  if (map == NULL) {
    return failed(network, DEPTH_BAD_ARGUMENT, "the map is null");
  }
  if (map_bytes < map_count() * sizeof *map) {
    return failed(network, DEPTH_BAD_BUFFER, "the map has %zu bytes and needs %zu", map_bytes,
                  map_count() * sizeof *map);
  }
  return DEPTH_OK;
}

#define CONVERT(type)                            \
  for (size_t i = 0; i < count; i++) {           \
    map[i] = (float)((const type *)from)[i];     \
  }                                              \
  break

static void as_floats(const void *from, depth_type type, size_t count, float *map) {
  switch (type) {
    case DEPTH_FLOAT32: memcpy(map, from, count * sizeof *map); break;
    case DEPTH_FLOAT16:
      for (size_t i = 0; i < count; i++) {
        map[i] = float_of(((const uint16_t *)from)[i]);
      }
      break;
    case DEPTH_FLOAT64: CONVERT(double);
    case DEPTH_INT8: CONVERT(int8_t);
    case DEPTH_INT16: CONVERT(int16_t);
    case DEPTH_INT32: CONVERT(int32_t);
    case DEPTH_INT64: CONVERT(int64_t);
    case DEPTH_UINT16: CONVERT(uint16_t);
    case DEPTH_UINT32: CONVERT(uint32_t);
    case DEPTH_UINT64: CONVERT(uint64_t);
    default: CONVERT(uint8_t);
  }
}

/* What the card's `meaning` says. */
static void write_map(const uint8_t *output, float *map) {
  size_t count = map_count();
  float scale = network_image.scale, shift = network_image.shift;
  as_floats(output, map_port()->type, count, map);
  for (size_t i = 0; (scale != 1 || shift != 0) && i < count; i++) {
    map[i] = map[i] * scale + shift;
  }
  for (size_t i = 0; network_image.clipped && i < count; i++) {
    map[i] = map[i] < network_image.least ? network_image.least : map[i];
    map[i] = map[i] > network_image.most ? network_image.most : map[i];
  }
}

/* Depth grows with the focal length: a network sees a doubled one as half the distance. */
static void scale_by_focal(const instance *one, const depth_frame *frame, float *map) {
  if (one->focal_x == 0 || network_image.focal == 0) {
    return;
  }
  double pixels = (double)frame->width * frame->height;
  double focal = __builtin_elementwise_sqrt(one->focal_x * one->focal_y / pixels);
  double grows = focal / network_image.focal;
  float factor = (float)(network_image.inverse ? 1 / grows : grows);
  for (size_t i = 0; i < map_count(); i++) {
    map[i] *= factor;
  }
}

static depth_status run(instance *one, const depth_frame *frame, float *map) {
  int32_t input = network_image.input;
  const char *problem = "";
  double started = milliseconds_now();
  depth_status status = frame_to_tensor(&network_image, network_input[input].type, &one->plan,
                                        frame, one->inputs[input], &problem);
  if (status != DEPTH_OK) {
    return failed(one->network, status, "%s", problem);
  }
  double converted = milliseconds_now();
  status = instance_run(one, one->inputs, one->outputs);
  if (status == DEPTH_OK) {
    double ended = milliseconds_now();
    write_map(one->outputs[network_image.output], map);
    scale_by_focal(one, frame, map);
    one->ran_frame = true;
    one->forward_ms = ended - converted;
    one->conversion_ms = converted - started + (milliseconds_now() - ended);
  }
  return status;
}

depth_status depth_run_frame(depth_network network, const depth_frame *frame, float *map,
                             size_t map_bytes) {
  instance *one;
  depth_status status = instance_enter(network, &one);
  if (status != DEPTH_OK) {
    return status;
  }
  status = check(network, map, map_bytes);
  if (status == DEPTH_OK) {
    status = run(one, frame, map);
  }
  return instance_leave(one, status);
}

depth_status depth_set_camera(depth_network network, double focal_x, double focal_y) {
  instance *one;
  depth_status status = instance_enter(network, &one);
  if (status != DEPTH_OK) {
    return status;
  }
  bool known = focal_x > 0 && focal_y > 0 && focal_x < 1e9 && focal_y < 1e9;
  if (!known && (focal_x != 0 || focal_y != 0)) {
    status = failed(network, DEPTH_BAD_ARGUMENT, "the focal lengths are %g and %g pixels", focal_x,
                    focal_y);
  } else {
    one->focal_x = focal_x;
    one->focal_y = focal_y;
  }
  return instance_leave(one, status);
}

depth_status depth_last_times(depth_network network, double *conversion_ms, double *forward_ms) {
  instance *one;
  depth_status status = instance_enter(network, &one);
  if (status != DEPTH_OK) {
    return status;
  }
  if (conversion_ms == NULL || forward_ms == NULL) {
    status = failed(network, DEPTH_BAD_ARGUMENT, "no place for the times is given");
  } else if (!one->ran_frame) {
    status = failed(network, DEPTH_NO_IMAGE, "the network has run no frame yet");
  } else {
    *conversion_ms = one->conversion_ms;
    *forward_ms = one->forward_ms;
  }
  return instance_leave(one, status);
}
