/* A network of one kernel in C: depth is the sum of the image's channels and one. */
#include "network.h"

enum { HEIGHT = 6, WIDTH = 8, PLANE = HEIGHT * WIDTH };

static int32_t sum_channels(void *self, const argument *arguments, int32_t count,
                            argument *result) {
  (void)self, (void)count, (void)result;
  const float *image = arguments[0].tensor->data;
  float *depth = arguments[1].tensor->data;
  for (int i = 0; i < PLANE; i++) {
    depth[i] = image[i] + image[PLANE + i] + image[2 * PLANE + i] + (float)i / PLANE + 1;
  }
  return 0;
}

const char network_name[] = "stub", network_manifest[] = "{}";
const int32_t network_threads = 1, network_inputs = 1, network_outputs = 1, network_tensors = 2,
              network_port_tensors = 2, network_arguments = 2, network_edges = 8,
              network_calls = 1, network_copies = 0;
const depth_port network_input[] = {{"image", DEPTH_FLOAT32, 4, {1, 3, HEIGHT, WIDTH}, PLANE * 12, ""}};
const depth_port network_output[] = {{"depth", DEPTH_FLOAT32, 4, {1, 1, HEIGHT, WIDTH}, PLANE * 4, "m"}};
const tensor network_tensor[] = {{IN_INPUT, 2, 32, 4, 0, 0, 0}, {IN_OUTPUT, 2, 32, 4, 0, 0, 4}};
const int32_t network_argument[] = {0, 1};
const int64_t network_edge[] = {1, 3, HEIGHT, WIDTH, 1, 1, HEIGHT, WIDTH};
const kernel_call network_call[] = {{sum_channels, 0, 2}};
const output_copy network_copy[] = {{0, 0}};
const size_t network_arena_bytes = 64, network_workspace_bytes = 0, network_weights_bytes = 0;
const uint8_t *const network_weights = NULL;
const uint8_t network_weights_sha256[32] = {0};
const cpu_feature network_cpu_feature[] = {{0}};
#ifndef NO_IMAGE
const image_input network_image = {
    0, 0, HEIGHT, WIDTH, false, false, false, 0, 1, {0.5f, 0.5f, 0.5f}, {0.25f, 0.25f, 0.25f},
    "bilinear", true, false, "metres", 2, 0.5f,
#ifdef WITH_CLIP
    true, 2.6f, 3.25f,
#else
    false, 0, 0,
#endif
#ifdef INVERSE
    INVERSE, 1.25f,
#else
    false, 0,
#endif
};
#else
const image_input network_image = {.interpolation = "bilinear"};
#endif
