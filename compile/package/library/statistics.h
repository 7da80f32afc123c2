/* Statistics of times, as depthbench's bench/stats defines them. */
#ifndef STATISTICS_H
#define STATISTICS_H

#include "system.h"

/* Milliseconds but for `cv`, a ratio; NaN of what one sample has not. */
typedef struct statistics {
  double p50, p90, p99, mean, std, mad, min, max, cv;
} statistics;

/* `work` holds `count` numbers, at least 1. */
statistics statistics_of(const double *samples, int32_t count, double *work);

/* How many of the first samples are not like the rest (MSER-5 on medians), and by what share their
 * median is above the rest's. */
int32_t warm_up_of(const double *samples, int32_t count, double *work, double *excess);

#endif
