/* One inference: the network's kernels, called in order. */
#include <stdatomic.h>

#include "pinning.h"
#include "running.h"

static void point_at(instance *one, uint8_t *const *inputs, uint8_t *const *outputs) {
  for (int32_t i = 0; i < network_port_tensors; i++) {
    const tensor *port = &network_tensor[i];
    uint8_t *const *buffers = port->place == IN_INPUT ? inputs : outputs;
    one->tensors[i].data = buffers[port->port] + port->offset;
  }
}

static int32_t run_kernels(instance *one) {
  argument result = {0};
  for (int32_t i = 0; i < network_calls; i++) {
    const kernel_call *call = &network_call[i];
    int32_t status = call->run(NULL, one->arguments + call->first, call->count, &result);
    if (status != 0) {
      return status;
    }
  }
  return 0;
}

depth_status instance_run(instance *one, uint8_t *const *inputs, uint8_t *const *outputs) {
  cpu_mask before;
  if (one->cpus != NULL && pin_caller(one, &before) != DEPTH_OK) {
    return DEPTH_NO_THREAD;
  }
  running now = {.of = one};
  running_set(&now);
  point_at(one, inputs, outputs);
  int32_t status = run_kernels(one);
  for (int32_t i = 0; i < network_copies && status == 0; i++) {
    int32_t output = network_copy[i].output;
    memcpy(outputs[output], one->tensors[network_copy[i].tensor].data,
           network_output[output].bytes);
  }
  running_set(NULL);
  if (one->cpus != NULL) {
    unpin_caller(&before);
  }
  if (status != 0) {
    failed(one->network, DEPTH_FAILED, "a kernel failed: %s",
           one->kernel_error[0] != 0 ? one->kernel_error : "it does not say why");
    one->kernel_error[0] = 0;
    atomic_store(&one->kernel_failed, 0);
    return DEPTH_FAILED;
  }
  return DEPTH_OK;
}
