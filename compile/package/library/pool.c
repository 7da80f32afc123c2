/* The threads of an instance: they wait for parallel loops, asleep where none comes for a while. */
#include "pool.h"

#include <stdatomic.h>

#include "pinning.h"
#include "running.h"

/* How long a thread looks for work before it sleeps: from one kernel to the next, and no more. */
enum { AWAKE_NS = 200000, LOOKS_BETWEEN_CLOCKS = 64 };

typedef struct worker {
  pool *in;
  pthread_t thread;
  running running;
  _Atomic uint32_t started; /* 1: at work, 2: could not be pinned */
} worker;

/* A job's tasks are divided into shares, one for each thread. A thread begins with its own, and goes
 * on with those that nobody has begun: a thread that the system lets wait keeps no others waiting.
 * `claims` has the job's number, so that one that comes late claims nothing of the next job. */
struct pool {
  instance *of;
  int32_t workers;
  bool in_job; /* as the caller knows */
  parallel_task *task;
  void *given;
  int32_t tasks;
  _Atomic int32_t failed;
  _Alignas(64) _Atomic uint64_t claims; /* job << 32 | a bit for each share that is claimed */
  _Alignas(64) _Atomic uint32_t job;    /* counts up */
  _Atomic uint32_t asleep;              /* workers, or about to be */
  _Atomic bool ending;
  _Alignas(64) _Atomic uint32_t left; /* shares that are not done */
  _Atomic uint32_t caller_asleep;
  _Alignas(64) worker worker[];
};

static void sleep_while(_Atomic uint32_t *word, uint32_t value) {
  syscall(SYS_FUTEX, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void wake(_Atomic uint32_t *word, int32_t threads) {
  syscall(SYS_FUTEX, word, FUTEX_WAKE_PRIVATE, threads, NULL, NULL, 0);
}

static int64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(MONOTONIC, &now);
  return now.seconds * 1000000000 + now.nanoseconds;
}

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  __asm__ volatile("isb" ::: "memory"); /* `yield` does nothing on most of these cores */
#endif
}

/* Whether `word` has changed from `value` while this thread stayed awake. */
static bool changes_soon(_Atomic uint32_t *word, uint32_t value) {
  int64_t until = 0;
  do {
    for (int i = 0; i < LOOKS_BETWEEN_CLOCKS; i++) {
      if (atomic_load_explicit(word, memory_order_acquire) != value) {
        return true;
      }
      relax();
    }
    until = until != 0 ? until : nanoseconds() + AWAKE_NS;
  } while (nanoseconds() < until);
  return false;
}

/* Whether the share is this thread's to run, as one of the job. */
static bool claim(pool *threads, uint32_t job, int32_t share) {
  uint64_t claims = atomic_load(&threads->claims), bit = (uint64_t)1 << share;
  while (claims >> 32 == job && (claims & bit) == 0) {
    if (atomic_compare_exchange_weak(&threads->claims, &claims, claims | bit)) {
      return true;
    }
  }
  return false;
}

static void run_share(pool *threads, int32_t share) {
  task_group group = {NULL, threads->tasks};
  for (int32_t i = share; i < threads->tasks; i += threads->workers + 1) {
    int32_t status = threads->task(i, &group, threads->given);
    if (status != 0) {
      atomic_store(&threads->failed, status);
    }
  }
  if (atomic_fetch_sub(&threads->left, 1) == 1 && atomic_load(&threads->caller_asleep)) {
    wake(&threads->left, 1);
  }
}

static void run_shares(pool *threads, uint32_t job, int32_t first) {
  int32_t all = threads->workers + 1;
  for (int32_t i = 0; i < all; i++) {
    int32_t share = (first + i) % all;
    if (claim(threads, job, share)) {
      run_share(threads, share);
    }
  }
}

static void *work(void *given) {
  worker *self = given;
  pool *threads = self->in;
  const int32_t *cpus = threads->of->cpus;
  bool pinned = cpus == NULL || pin(cpus[self->running.thread]);
  running_set(&self->running);
  uint32_t done = 0;
  atomic_store(&self->started, pinned ? 1 : 2);
  wake(&self->started, 1);
  for (;;) {
    if (!changes_soon(&threads->job, done)) {
      atomic_fetch_add(&threads->asleep, 1);
      while (atomic_load(&threads->job) == done) {
        sleep_while(&threads->job, done);
      }
      atomic_fetch_sub(&threads->asleep, 1);
    }
    done = atomic_load(&threads->job);
    if (atomic_load(&threads->ending)) {
      return NULL;
    }
    run_shares(threads, done, self->running.thread);
  }
}

/* Lets every worker see what was written before. */
static void begin_job(pool *threads) {
  atomic_fetch_add(&threads->job, 1);
  if (atomic_load(&threads->asleep) > 0) {
    wake(&threads->job, threads->workers);
  }
}

static void wait_for_workers(pool *threads) {
  uint32_t left;
  while ((left = atomic_load(&threads->left)) != 0) {
    if (changes_soon(&threads->left, left)) {
      continue;
    }
    atomic_store(&threads->caller_asleep, 1);
    if ((left = atomic_load(&threads->left)) != 0) {
      sleep_while(&threads->left, left);
    }
    atomic_store(&threads->caller_asleep, 0);
  }
}

static int32_t run_here(parallel_task *task, void *given, int32_t tasks) {
  task_group group = {NULL, tasks};
  for (int32_t i = 0; i < tasks; i++) {
    int32_t status = task(i, &group, given);
    if (status != 0) {
      return status;
    }
  }
  return 0;
}

int32_t pool_run(pool *threads, parallel_task *task, void *given, int32_t tasks) {
  if (threads == NULL || running_now()->thread != 0 || threads->in_job) {
    return run_here(task, given, tasks);
  }
  int32_t all = threads->workers + 1;
  uint32_t job = atomic_load(&threads->job) + 1;
  threads->in_job = true;
  threads->task = task;
  threads->given = given;
  threads->tasks = tasks;
  atomic_store(&threads->failed, 0);
  atomic_store(&threads->left, (uint32_t)all);
  atomic_store(&threads->claims, (uint64_t)job << 32);
  begin_job(threads);
  run_shares(threads, job, 0);
  wait_for_workers(threads);
  threads->in_job = false;
  return atomic_load(&threads->failed);
}

size_t pool_bytes(int32_t threads) {
  return threads > 1 ? sizeof(pool) + sizeof(worker) * (size_t)(threads - 1) : 0;
}

depth_status pool_start(pool *place, instance *one) {
  place->of = one;
  for (int32_t i = 0; i < one->threads - 1; i++) {
    worker *next = &place->worker[i];
    next->in = place;
    next->running = (running){.of = one, .thread = i + 1};
    if (pthread_create(&next->thread, NULL, work, next) != 0) {
      pool_end(place);
      return failed(0, DEPTH_NO_THREAD, "thread %d could not be started", i + 1);
    }
    place->workers++;
    while (atomic_load(&next->started) == 0) {
      sleep_while(&next->started, 0);
    }
    if (atomic_load(&next->started) == 2) {
      pool_end(place);
      return failed(0, DEPTH_NO_THREAD, "thread %d could not be pinned to CPU %d", i + 1,
                    one->cpus[i + 1]);
    }
  }
  return DEPTH_OK;
}

void pool_end(pool *threads) {
  atomic_store(&threads->ending, true);
  begin_job(threads);
  for (int32_t i = 0; i < threads->workers; i++) {
    pthread_join(threads->worker[i].thread, NULL);
  }
}
