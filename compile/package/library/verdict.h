/* May the times be used as what they are said to be? The rules of depthbench's bench/measure, as
 * far as they can be judged here. */
#ifndef VERDICT_H
#define VERDICT_H

#include "agreement.h"
#include "json.h"
#include "platform.h"
#include "statistics.h"

typedef struct measurement {
  const instance *of;
  platform platform;
  int32_t warm_up, runs;
  const double *milliseconds;
  int32_t wrong; /* times that are not positive and finite */
  statistics times;
  int32_t first; /* samples that are not like the rest, and how much longer they are */
  double excess;
  agreement agreement;
} measurement;

/* Writes the reasons why not as a list; returns whether there is none. */
bool verdict_write(json *to, const measurement *what);

#endif
