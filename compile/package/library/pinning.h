/* Threads on CPUs of their own. */
#ifndef PINNING_H
#define PINNING_H

#include "instance.h"

typedef struct cpu_mask {
  unsigned long words[16];
  long bytes; /* that the system uses of them */
} cpu_mask;

/* Lets this thread run on one CPU only; false where the system refuses. */
bool pin(int32_t cpu);

/* The same for the caller of an instance that is pinned, until `unpin_caller`. */
depth_status pin_caller(const instance *one, cpu_mask *before);
void unpin_caller(const cpu_mask *before);

#endif
