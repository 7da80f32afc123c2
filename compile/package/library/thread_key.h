/* A value of each thread's own, as a key of pthreads: Android has thread-local variables of libraries
 * only from version 10. */
#ifndef THREAD_KEY_H
#define THREAD_KEY_H

#include <stdatomic.h>

#include "system.h"

/* Zero at first. */
typedef struct thread_key {
  _Atomic int32_t prepared;
  uint32_t key;
} thread_key;

/* Makes the key where that is not done; false where the system has no more of them. */
bool thread_key_prepare(thread_key *one);
/* As the library leaves the process. */
void thread_key_forget(thread_key *one);

#endif
