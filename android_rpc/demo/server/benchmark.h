/* Timing the network that is loaded, and keeping what was measured. */
#ifndef DEMO_BENCHMARK_H
#define DEMO_BENCHMARK_H

#include "loaded.h"

/* Runs the benchmark of an order, and tells its progress and its end. */
void run_benchmark(struct compute *compute, struct loaded *loaded, const struct task *task);

/* Has the library write the record of the last benchmark. */
void keep_record(struct compute *compute, struct loaded *loaded, const struct task *task);

#endif
