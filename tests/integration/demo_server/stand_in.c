/*
 * A package that needs no compiler and can be slow or fail: its map of 4 x 3 holds the first
 * byte of the frame, its rotation, and how often it has run.
 *
 * Its file's name says what it does: "slow" takes 30 ms for a run, "failing" fails in every run,
 * "no_manifest" says nothing of itself.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "depth.h"

enum { WIDTH = 4, HEIGHT = 3 };

static const depth_port INPUT = {"image", DEPTH_FLOAT32, 4, {1, 3, 6, 8}, 1 * 3 * 6 * 8 * 4, NULL};
static const depth_port OUTPUT = {
    "depth", DEPTH_FLOAT32, 4, {1, 1, HEIGHT, WIDTH}, HEIGHT * WIDTH * 4, "m"};
static int runs;
static depth_network created;

static int is_called(const char *name) {
  Dl_info here;
  return dladdr(&INPUT, &here) && strstr(here.dli_fname, name) != NULL;
}

static int slow_ms(void) { return is_called("libslow") ? 30 : 0; }

const char *depth_manifest(void) {
  if (is_called("libno_manifest")) return "[]";
  return "{\"name\":\"stand-in\",\"precision\":\"fp32\",\"threads\":2,\"package\":{"
         "\"platform\":\"host\",\"image\":{\"input\":0,\"output\":0,\"width\":8,\"height\":6,"
         "\"meaning\":\"metres\"}}}";
}

int32_t depth_api_version(void) { return DEPTH_API_VERSION; }
const depth_port *depth_input(int32_t place) { return place ? NULL : &INPUT; }
const depth_port *depth_output(int32_t place) { return place ? NULL : &OUTPUT; }

depth_status depth_create(depth_network *network, const depth_options *options) {
  if (options->threads > 8) return DEPTH_NO_THREAD;
  *network = ++created;
  return DEPTH_OK;
}

depth_status depth_destroy(depth_network network) {
  return network == created ? DEPTH_OK : DEPTH_BAD_NETWORK;
}

depth_status depth_run_frame(depth_network network, const depth_frame *frame, float *map,
                             size_t map_bytes) {
  const depth_plane *plane = &frame->planes[0];
  if (network != created || map_bytes < OUTPUT.bytes || frame->format != DEPTH_RGBA_8888 ||
      plane->bytes != (size_t)frame->width * frame->height * 4)
    return DEPTH_BAD_ARGUMENT;
  usleep(slow_ms() * 1000);
  if (is_called("libfailing")) return DEPTH_FAILED;
  memset(map, 0, map_bytes);
  map[0] = plane->data[0];
  map[1] = frame->rotation;
  map[2] = ++runs;
  return DEPTH_OK;
}

depth_status depth_set_camera(depth_network network, double focal_x, double focal_y) {
  return network == created && focal_x == focal_y ? DEPTH_OK : DEPTH_BAD_NETWORK;
}

depth_status depth_last_times(depth_network network, double *conversion_ms, double *forward_ms) {
  *conversion_ms = 0.25;
  *forward_ms = 1.5;
  return network == created ? DEPTH_OK : DEPTH_BAD_NETWORK;
}

depth_status depth_benchmark(depth_network network, int32_t warm_up, int32_t count,
                             double *milliseconds) {
  if (is_called("libfailing")) return DEPTH_FAILED;
  for (int32_t i = 0; i < warm_up + count; i++) {
    usleep(slow_ms() * 1000);
    if (i >= warm_up) milliseconds[i - warm_up] = slow_ms() + 0.5;
  }
  return network == created ? DEPTH_OK : DEPTH_BAD_NETWORK;
}

depth_status depth_benchmark_record(depth_network network, int32_t warm_up, int32_t count,
                                    const double *milliseconds, char *record, size_t capacity,
                                    size_t *length) {
  (void)network;
  *length = (size_t)snprintf(record, capacity, "{\"warm_up\":%d,\"runs\":%d,\"first\":%g}",
                             (int)warm_up, (int)count, milliseconds[0]);
  return *length < capacity ? DEPTH_OK : DEPTH_BAD_BUFFER;
}

const char *depth_last_error(depth_network network) {
  return network == created ? "the stand-in was told to fail" : "no such stand-in";
}
