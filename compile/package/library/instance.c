/* Handles of instances: which exist, and which are running. */
#include "instance.h"

#include <stdatomic.h>

#include "memory.h"
#include "running.h"

/* A handle is a slot's number, and above it how often the slot was given out. A slot's state is
 * that count, and below it what its instance does. */
enum { SLOT_BITS = 8, SLOTS = 1 << SLOT_BITS };
enum { FREE, CHANGING, IDLE, RUNNING };

typedef struct slot {
  _Atomic uint64_t state;
  instance *held;
} slot;

static slot slots[SLOTS];

static slot *slot_of(depth_network network) {
  return &slots[network & (SLOTS - 1)];
}

static uint64_t state_of(depth_network network, uint64_t does) {
  return network >> SLOT_BITS << 2 | does;
}

static depth_status take(depth_network network, uint64_t does) {
  uint64_t idle = state_of(network, IDLE), state = idle;
  if (network >> SLOT_BITS != 0 &&
      atomic_compare_exchange_strong(&slot_of(network)->state, &state, state_of(network, does))) {
    return DEPTH_OK;
  }
  if (network >> SLOT_BITS != 0 && state == state_of(network, RUNNING)) {
    return failed(network, DEPTH_BUSY, "another thread is running this network");
  }
  return failed(network, DEPTH_BAD_NETWORK, "there is no such network: destroyed, or not created");
}

depth_status instance_enter(depth_network network, instance **found) {
  depth_status status = take(network, RUNNING);
  if (status == DEPTH_OK) {
    *found = slot_of(network)->held;
  }
  return status;
}

depth_status instance_leave(instance *one, depth_status status) {
  depth_network network = one->network;
  if (status == DEPTH_OK) {
    succeeded(network);
  }
  atomic_store(&slot_of(network)->state, state_of(network, IDLE));
  return status;
}

depth_status depth_create(depth_network *network, const depth_options *options) {
  static const depth_options defaults;
  if (network == NULL) {
    return failed(0, DEPTH_BAD_ARGUMENT, "depth_create: network is null");
  }
  *network = 0;
  for (int i = 0; i < SLOTS; i++) {
    uint64_t state = atomic_load(&slots[i].state);
    if ((state & 3) != FREE ||
        !atomic_compare_exchange_strong(&slots[i].state, &state, state | CHANGING)) {
      continue;
    }
    uint64_t count = (state >> 2) + 1;
    instance *made = NULL;
    depth_network handle = count << SLOT_BITS | (uint64_t)i;
    depth_status status = instance_new(options == NULL ? &defaults : options, &made);
    if (status != DEPTH_OK) {
      atomic_store(&slots[i].state, state);
      return status;
    }
    made->network = handle;
    slots[i].held = made;
    atomic_store(&slots[i].state, state_of(handle, IDLE));
    *network = handle;
    succeeded(0);
    return DEPTH_OK;
  }
  return failed(0, DEPTH_NO_MEMORY, "%d networks are there already", SLOTS);
}

depth_status depth_destroy(depth_network network) {
  depth_status status = take(network, CHANGING);
  if (status != DEPTH_OK) {
    return status;
  }
  instance_end(slot_of(network)->held);
  slot_of(network)->held = NULL;
  atomic_store(&slot_of(network)->state, state_of(network, FREE));
  succeeded(network);
  return DEPTH_OK;
}

static bool overlap(const uint8_t *one, size_t bytes, const uint8_t *other, size_t others_bytes) {
  return one < other + others_bytes && other < one + bytes;
}

/* Whether results may be written to `buffer` while the inputs are read. */
static bool usable(const uint8_t *buffer, int32_t place, const void *const *inputs,
                   void *const *outputs) {
  size_t bytes = network_output[place].bytes;
  if ((uintptr_t)buffer % 64 != 0) {
    return false;
  }
  for (int32_t i = 0; i < network_inputs; i++) {
    if (overlap(buffer, bytes, inputs[i], network_input[i].bytes)) {
      return false;
    }
  }
  for (int32_t i = 0; i < network_outputs; i++) {
    if (i != place && overlap(buffer, bytes, outputs[i], network_output[i].bytes)) {
      return false;
    }
  }
  return true;
}

static depth_status run(instance *one, const void *const *inputs, void *const *outputs) {
  uint8_t *read[network_inputs + 1], *written[network_outputs + 1];
  for (int32_t i = 0; i < network_inputs; i++) {
    read[i] = (uint8_t *)(uintptr_t)inputs[i];
    if ((uintptr_t)inputs[i] % 64 != 0) {
      read[i] = memcpy(one->inputs[i], inputs[i], network_input[i].bytes);
    }
  }
  for (int32_t i = 0; i < network_outputs; i++) {
    written[i] = usable(outputs[i], i, inputs, outputs) ? outputs[i] : one->outputs[i];
  }
  depth_status status = instance_run(one, read, written);
  for (int32_t i = 0; i < network_outputs && status == DEPTH_OK; i++) {
    if (written[i] != outputs[i]) {
      memcpy(outputs[i], written[i], network_output[i].bytes);
    }
  }
  return status;
}

static depth_status check(depth_network network, const char *kind, const depth_port *ports,
                          int32_t count, const void *const *buffers, const size_t *bytes) {
  if (count > 0 && (buffers == NULL || bytes == NULL)) {
    return failed(network, DEPTH_BAD_ARGUMENT, "depth_run: no %ss are given", kind);
  }
  for (int32_t i = 0; i < count; i++) {
    if (buffers[i] == NULL) {
      return failed(network, DEPTH_BAD_ARGUMENT, "%s %d, %s, is null", kind, i, ports[i].name);
    }
    if (bytes[i] < ports[i].bytes) {
      return failed(network, DEPTH_BAD_BUFFER, "%s %d, %s, has %zu bytes and needs %zu", kind, i,
                    ports[i].name, bytes[i], ports[i].bytes);
    }
  }
  return DEPTH_OK;
}

depth_status depth_run(depth_network network, const void *const *inputs, const size_t *input_bytes,
                       void *const *outputs, const size_t *output_bytes) {
  instance *one;
  depth_status status = instance_enter(network, &one);
  if (status != DEPTH_OK) {
    return status;
  }
  status = check(network, "input", network_input, network_inputs, inputs, input_bytes);
  if (status == DEPTH_OK) {
    status = check(network, "output", network_output, network_outputs,
                   (const void *const *)outputs, output_bytes);
  }
  if (status == DEPTH_OK) {
    status = run(one, inputs, outputs);
  }
  return instance_leave(one, status);
}
