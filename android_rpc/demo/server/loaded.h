/* The network that is loaded, and what is told to the browser of it. */
#ifndef DEMO_LOADED_H
#define DEMO_LOADED_H

#include "compute.h"

struct loaded {
  const struct package *package; /* NULL: nothing */
  depth_network network;
  int32_t threads;
  int32_t cpus[MAX_THREADS], cpu_count;
  int32_t benchmark, warm_up, runs; /* the last one; 0: none */
  double milliseconds[MAX_RUNS];
};

/* Milliseconds of the monotonic clock. */
double clock_ms(void);

/* A message that is to be written. */
struct result text_result(int session);

void tell_error(struct compute *compute, int session, const char *code, const char *why);

/* Why a call on the network failed. */
void tell_status(struct compute *compute, const struct loaded *loaded, int session,
                 depth_status status);

/* Adds "cpus": those that its threads run on. */
void add_cpus(struct buffer *json, const struct loaded *loaded);

#endif
