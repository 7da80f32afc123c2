/* What an instance is made of: one mapping for all that runs need, weights and threads. */
#include "memory.h"

#include "pinning.h"
#include "pool.h"
#include "processor.h"
#include "running.h"
#include "weights.h"

static void *part(uintptr_t *next, size_t bytes) {
  uintptr_t begin = *next;
  *next += aligned(bytes);
  return (void *)begin;
}

/* Divides memory that begins at `memory`; returns how much there must be. */
static size_t divide(instance *one, uintptr_t memory, bool pinned) {
  uintptr_t next = memory + aligned(sizeof *one);
  size_t inputs = (size_t)network_inputs, outputs = (size_t)network_outputs;
  one->inputs = part(&next, inputs * sizeof *one->inputs);
  one->outputs = part(&next, outputs * sizeof *one->outputs);
  one->tensors = part(&next, (size_t)network_tensors * sizeof *one->tensors);
  one->arguments = part(&next, (size_t)network_arguments * sizeof *one->arguments);
  one->pool = part(&next, pool_bytes(one->threads));
  one->cpus = part(&next, (size_t)one->threads * sizeof *one->cpus);
  one->arena = part(&next, network_arena_bytes);
  one->workspace = part(&next, network_workspace_bytes * (size_t)one->threads);
  one->pool = one->threads > 1 ? one->pool : NULL;
  one->cpus = pinned ? one->cpus : NULL;
  return next - memory;
}

/* Storage of its own for every port, behind the rest. */
static size_t ports_bytes(void) {
  size_t bytes = 0;
  for (int32_t i = 0; i < network_inputs; i++) {
    bytes += aligned(network_input[i].bytes);
  }
  for (int32_t i = 0; i < network_outputs; i++) {
    bytes += aligned(network_output[i].bytes);
  }
  return bytes;
}

static void divide_ports(instance *one, uintptr_t next) {
  for (int32_t i = 0; i < network_inputs; i++) {
    one->inputs[i] = part(&next, network_input[i].bytes);
  }
  for (int32_t i = 0; i < network_outputs; i++) {
    one->outputs[i] = part(&next, network_output[i].bytes);
  }
}

static uint8_t *begin_of(const instance *one, const tensor *what) {
  if (what->place == IN_WEIGHTS) {
    return (uint8_t *)(uintptr_t)one->weights; /* which kernels only read */
  }
  return what->place == IN_ARENA ? one->arena : NULL;
}

static void describe_tensors(instance *one) {
  for (int32_t i = 0; i < network_tensors; i++) {
    const tensor *from = &network_tensor[i];
    DLTensor *to = &one->tensors[i];
    uint8_t *begin = begin_of(one, from);
    to->data = begin != NULL ? begin + from->offset : NULL;
    to->device.type = CPU_DEVICE;
    to->rank = from->rank;
    to->dtype.code = from->type_code;
    to->dtype.bits = from->type_bits;
    to->dtype.lanes = 1;
    to->shape = (int64_t *)(uintptr_t)(network_edge + from->shape);
    to->strides = NULL; /* none: its elements are dense, the last edge's next to each other */
  }
  for (int32_t i = 0; i < network_arguments; i++) {
    one->arguments[i].kind = TENSOR_ARGUMENT;
    one->arguments[i].tensor = &one->tensors[network_argument[i]];
  }
}

static depth_status check(const depth_options *options) {
  if (options->threads < 0 || options->cpu_count < 0) {
    return failed(0, DEPTH_BAD_ARGUMENT, "threads and cpu_count must not be negative");
  }
  if (options->threads > network_threads) {
    return failed(0, DEPTH_BAD_ARGUMENT, "%d threads: the network was compiled for %d",
                  options->threads, network_threads);
  }
  int32_t threads = options->threads > 0 ? options->threads : network_threads;
  if (threads > MOST_THREADS) {
    return failed(0, DEPTH_BAD_ARGUMENT, "%d threads: at most %d", threads, MOST_THREADS);
  }
  if (options->cpus != NULL && options->cpu_count < threads) {
    return failed(0, DEPTH_BAD_ARGUMENT, "%d CPUs are given for %d threads", options->cpu_count,
                  threads);
  }
  const char *missing = missing_cpu_feature();
  if (missing != NULL) {
    return failed(0, DEPTH_NO_CPU, "the network was compiled for processors with %s", missing);
  }
  return DEPTH_OK;
}

static depth_status start_threads(instance *one) {
  if (one->cpus != NULL) {
    cpu_mask before;
    depth_status status = pin_caller(one, &before);
    if (status != DEPTH_OK) {
      return status;
    }
    unpin_caller(&before);
  }
  return one->pool != NULL ? pool_start(one->pool, one) : DEPTH_OK;
}

depth_status instance_new(const depth_options *options, instance **made) {
  depth_status status = check(options);
  if (status != DEPTH_OK) {
    return status;
  }
  if (!running_prepare()) {
    return failed(0, DEPTH_NO_MEMORY, "the process has no key left for threads' values");
  }
  instance parts = {.threads = options->threads > 0 ? options->threads : network_threads};
  bool pinned = options->cpus != NULL;
  size_t before_ports = divide(&parts, 0, pinned), bytes = before_ports + ports_bytes();
  int flags = PRIVATE | ANONYMOUS | POPULATE; /* else the first run would get its pages */
  uint8_t *memory = mmap(NULL, bytes, READABLE | WRITABLE, flags, -1, 0);
  if (memory == NO_MAPPING) {
    return failed(0, DEPTH_NO_MEMORY, "%zu bytes cannot be had", bytes);
  }
  instance *one = (instance *)memory;
  one->threads = parts.threads;
  one->memory_bytes = bytes;
  divide(one, (uintptr_t)memory, pinned);
  divide_ports(one, (uintptr_t)memory + before_ports);
  for (int32_t i = 0; pinned && i < one->threads; i++) {
    ((int32_t *)(uintptr_t)one->cpus)[i] = options->cpus[i];
  }
  status = weights_open(one, options->weights);
  if (status == DEPTH_OK) {
    describe_tensors(one);
    status = start_threads(one);
    if (status != DEPTH_OK) {
      weights_close(one);
    }
  }
  if (status != DEPTH_OK) {
    munmap(memory, bytes);
    return status;
  }
  *made = one;
  return DEPTH_OK;
}

void instance_end(instance *one) {
  if (one->pool != NULL) {
    pool_end(one->pool);
  }
  weights_close(one);
  frame_plan_end(&one->plan);
  munmap(one, one->memory_bytes);
}
