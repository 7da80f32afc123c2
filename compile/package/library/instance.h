/* Instances of the network: what the API's functions share. */
#ifndef INSTANCE_H
#define INSTANCE_H

#include "device.h"
#include "frame_input.h"

struct pool;

typedef struct instance {
  depth_network network; /* its handle */
  void *memory;          /* all of it, as one mapping */
  size_t memory_bytes;
  uint8_t *arena;
  uint8_t **inputs;  /* storage of its own for every port, each on a multiple of 64 */
  uint8_t **outputs;
  const uint8_t *weights;
  void *weights_file; /* the mapping; null where the weights are in the library */
  size_t weights_file_bytes;
  DLTensor *tensors;
  argument *arguments;
  uint8_t *workspace; /* network_workspace_bytes for each thread */
  int32_t threads;
  struct pool *pool; /* null for one thread */
  const int32_t *cpus; /* of each thread; null: not pinned */
  _Atomic int32_t kernel_failed;
  char kernel_error[256];
  frame_plan plan;
  double focal_x, focal_y; /* of the frames' camera, in pixels; 0: not known */
  bool ran_frame;
  double conversion_ms, forward_ms; /* of the last frame */
  bool has_readings; /* of the device, around the benchmarks since the last record */
  device_reading before, after;
  int32_t hottest; /* of the battery's readings */
} instance;

/* A multiple of 64 that is not less. */
static inline size_t aligned(size_t bytes) {
  return (bytes + 63) & ~(size_t)63;
}

/* The instance of a handle, which is this thread's until it leaves. */
depth_status instance_enter(depth_network network, instance **found);
/* Gives it back; the status of the call, and its error is forgotten where that is DEPTH_OK. */
depth_status instance_leave(instance *one, depth_status status);

/* One inference of an instance that was entered, on buffers that begin on multiples of 64 and do
 * not overlap: `inputs` and `outputs` of its own, or the caller's. */
depth_status instance_run(instance *one, uint8_t *const *inputs, uint8_t *const *outputs);

/* Keeps why a call on `network` failed, for depth_last_error; returns `status`. */
depth_status failed(depth_network network, depth_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Forgets it: the call went well. */
void succeeded(depth_network network);

#endif
