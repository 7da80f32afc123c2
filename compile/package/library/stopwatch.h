/* The clock that times are taken with. */
#ifndef STOPWATCH_H
#define STOPWATCH_H

#include "system.h"

static inline double milliseconds_now(void) {
  struct timespec now;
  clock_gettime(MONOTONIC, &now);
  return (double)now.seconds * 1e3 + (double)now.nanoseconds / 1e6;
}

#endif
