/* Keys of pthreads, made once by whichever thread comes first. */
#include "thread_key.h"

enum { NO_KEY, PREPARING, PREPARED };

bool thread_key_prepare(thread_key *one) {
  int32_t now = NO_KEY;
  if (atomic_compare_exchange_strong(&one->prepared, &now, PREPARING)) {
    bool made = pthread_key_create(&one->key, NULL) == 0;
    atomic_store(&one->prepared, made ? PREPARED : NO_KEY);
    return made;
  }
  while (now == PREPARING) {
    now = atomic_load(&one->prepared);
  }
  return now == PREPARED;
}

void thread_key_forget(thread_key *one) {
  if (atomic_load(&one->prepared) == PREPARED) {
    pthread_key_delete(one->key);
  }
}
