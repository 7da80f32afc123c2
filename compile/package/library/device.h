/* What the device tells of itself, as far as an app may read it. */
#ifndef DEVICE_H
#define DEVICE_H

#include "json.h"

enum { MOST_CPUS = 128, NOT_TOLD = -1000 };

typedef struct device_reading {
  int32_t battery;              /* tenths of a degree Celsius; NOT_TOLD */
  int32_t limit_mhz[MOST_CPUS]; /* highest clock that is allowed now; 0: not told */
} device_reading;

void device_read(device_reading *reading);

/* A name for people, of the board, else of the processor. */
void device_name(char *name, size_t capacity);

typedef struct device_core {
  int32_t cpu;
  uint32_t implementer, part;
} device_core;

/* The CPUs that say what they are; how many. */
int32_t device_cores(device_core cores[MOST_CPUS]);

bool device_is_a76(const device_core *core);

#endif
