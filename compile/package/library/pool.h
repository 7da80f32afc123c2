/* The threads of an instance. */
#ifndef POOL_H
#define POOL_H

#include "instance.h"

enum { MOST_THREADS = 32 };

typedef struct pool pool;

size_t pool_bytes(int32_t threads);
/* Starts the threads but the caller's; those that `one` asks for are pinned. Ends them all again
 * where one cannot be started. */
depth_status pool_start(pool *place, instance *one);
void pool_end(pool *threads);

/* Runs all tasks, on the calling thread alone where `threads` is null or it runs tasks already. Returns
 * 0, or what one of those returned that failed. */
int32_t pool_run(pool *threads, parallel_task *task, void *given, int32_t tasks);

#endif
