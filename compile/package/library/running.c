/* Which instance the kernels that a thread runs belong to, and what they call back. */
#include "running.h"

#include <stdatomic.h>

#include "pool.h"
#include "thread_key.h"

#define KERNELS __attribute__((visibility("hidden")))

static thread_key running_here;

bool running_prepare(void) {
  return thread_key_prepare(&running_here);
}

__attribute__((destructor)) static void forget(void) {
  thread_key_forget(&running_here);
}

void running_set(const running *this_thread) {
  pthread_setspecific(running_here.key, this_thread);
}

running *running_now(void) {
  return pthread_getspecific(running_here.key);
}

KERNELS void TVMFFIErrorSetRaisedFromCStrParts(const char *kind, const char **parts,
                                               int32_t count) {
  instance *one = running_now()->of;
  int32_t none = 0;
  if (!atomic_compare_exchange_strong(&one->kernel_failed, &none, 1)) {
    return;
  }
  size_t capacity = sizeof one->kernel_error;
  size_t length = (size_t)snprintf(one->kernel_error, capacity, "%s: ", kind);
  for (int32_t i = 0; i < count && length < capacity; i++) {
    length += (size_t)snprintf(one->kernel_error + length, capacity - length, "%s", parts[i]);
  }
}

static void *allocate(int32_t device, int32_t id, uint64_t bytes, int32_t type_code,
                      int32_t type_bits) {
  (void)device, (void)id, (void)type_code, (void)type_bits;
  running *now = running_now();
  size_t begin = now->workspace_used, end = begin + aligned(bytes);
  if (end > network_workspace_bytes) {
    return NULL;
  }
  now->workspace_used = end;
  return now->of->workspace + (size_t)now->thread * network_workspace_bytes + begin;
}

/* What was given last is freed first. */
static int32_t release(int32_t device, int32_t id, void *given) {
  (void)device, (void)id;
  running *now = running_now();
  const uint8_t *base = now->of->workspace + (size_t)now->thread * network_workspace_bytes;
  now->workspace_used = (size_t)((uint8_t *)given - base);
  return 0;
}

static int32_t launch(parallel_task *task, void *given, int32_t tasks) {
  running *now = running_now();
  return pool_run(now->of->pool, task, given, tasks > 0 ? tasks : now->of->threads);
}

/* Kernels have pointers of these names, without a value, which TVM's runtime would set. */
KERNELS void *(*const __TVMBackendAllocWorkspace)(int32_t, int32_t, uint64_t, int32_t,
                                                  int32_t) = allocate;
KERNELS int32_t (*const __TVMBackendFreeWorkspace)(int32_t, int32_t, void *) = release;
KERNELS int32_t (*const __TVMBackendParallelLaunch)(parallel_task *, void *, int32_t) = launch;
