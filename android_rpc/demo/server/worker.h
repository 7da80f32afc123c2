/* The thread that computes: loads networks, runs frames and benchmarks, writes records. */
#ifndef DEMO_WORKER_H
#define DEMO_WORKER_H

#include "compute.h"

/* CPUs for a number of threads, in the order in which they get them. */
struct cpu_choice {
  int32_t threads;
  int32_t cpus[MAX_THREADS];
  int32_t count;
};

enum { MAX_CHOICES = 16 };

struct worker {
  struct compute compute; /* first: the thread gets its address */
  struct cpu_choice choices[MAX_CHOICES];
  int choice_count;
  double focal; /* of the camera, by the upright frame's width; 0: not known */
};

/* For compute_start; ends with TASK_QUIT. */
void *worker_run(void *compute);

#endif
