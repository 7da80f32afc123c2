/* Which instance the kernels that a thread runs belong to. */
#ifndef RUNNING_H
#define RUNNING_H

#include "instance.h"

typedef struct running {
  instance *of;
  int32_t thread; /* its number among the instance's */
  size_t workspace_used;
} running;

/* Before any instance runs; false where the system has no more keys for threads' values. */
bool running_prepare(void);
/* What this thread runs from now on; null for nothing. */
void running_set(const running *this_thread);
running *running_now(void);

#endif
