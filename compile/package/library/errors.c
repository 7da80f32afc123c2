/* Why calls failed, by thread and network. */
#include <stdatomic.h>

#include "instance.h"
#include "thread_key.h"

/* The table is fixed and of the library, so that nothing is left of threads that ended. Where it is
 * full, what failed longest ago is forgotten. */
enum { KEPT = 64, TEXT = 320 };

typedef struct failure {
  uint64_t thread;
  depth_network network;
  uint64_t when; /* 0: none */
  char text[TEXT];
} failure;

static failure kept[KEPT];
static uint64_t clock;
static _Atomic int32_t count; /* of failures that are kept */
static _Atomic bool taken;
/* Of threads that failed, from 1 on. Not what the system calls them: it uses that again for others. */
static thread_key number;
static uint64_t threads;

static void take(void) {
  while (atomic_exchange_explicit(&taken, true, memory_order_acquire)) {
  }
}

static void leave(void) {
  atomic_store_explicit(&taken, false, memory_order_release);
}

__attribute__((destructor)) static void forget(void) {
  thread_key_forget(&number);
}

/* This thread's number; 0: it has none. */
static uint64_t this_thread(void) {
  return atomic_load(&number.prepared) ? (uint64_t)pthread_getspecific(number.key) : 0;
}

/* The same, with one where it had none, unless the system has no more keys. */
static uint64_t numbered_thread(void) {
  if (this_thread() == 0 && thread_key_prepare(&number)) {
    pthread_setspecific(number.key, (const void *)++threads);
  }
  return this_thread();
}

static failure *find(depth_network network) {
  uint64_t self = this_thread();
  for (int i = 0; i < KEPT; i++) {
    if (kept[i].when != 0 && kept[i].thread == self && kept[i].network == network) {
      return &kept[i];
    }
  }
  return NULL;
}

static failure *oldest(void) {
  failure *found = &kept[0];
  for (int i = 1; i < KEPT; i++) {
    found = kept[i].when < found->when ? &kept[i] : found;
  }
  return found;
}

depth_status failed(depth_network network, depth_status status, const char *format, ...) {
  char text[TEXT];
  va_list values;
  va_start(values, format);
  vsnprintf(text, sizeof text, format, values);
  va_end(values);
  take();
  uint64_t self = numbered_thread();
  failure *found = find(network);
  if (found == NULL) {
    found = oldest();
    count += found->when == 0;
  }
  found->thread = self;
  found->network = network;
  found->when = ++clock;
  memcpy(found->text, text, sizeof text);
  leave();
  return status;
}

void succeeded(depth_network network) {
  if (atomic_load(&count) == 0) {
    return;
  }
  take();
  failure *found = find(network);
  if (found != NULL) {
    found->when = 0;
    count--;
  }
  leave();
}

const char *depth_last_error(depth_network network) {
  take();
  const failure *found = find(network);
  leave();
  return found != NULL ? found->text : "";
}
