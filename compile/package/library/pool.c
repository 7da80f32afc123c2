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

struct pool {
  instance *of;
  int32_t workers;
  parallel_task *task;
  void *given;
  int32_t tasks;
  bool ending;
  _Atomic int32_t failed;
  _Alignas(64) _Atomic uint32_t job; /* counts up */
  _Atomic uint32_t asleep;           /* workers, or about to be */
  _Alignas(64) _Atomic uint32_t left; /* workers that have not done the job */
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

/* The tasks of one thread: `number`, and as many further on as there are threads. */
static int32_t run_share(pool *threads, int32_t number) {
  task_group group = {NULL, threads->tasks};
  for (int32_t i = number; i < threads->tasks; i += threads->workers + 1) {
    int32_t status = threads->task(i, &group, threads->given);
    if (status != 0) {
      return status;
    }
  }
  return 0;
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
    done++;
    if (threads->ending) {
      return NULL;
    }
    int32_t status = run_share(threads, self->running.thread);
    if (status != 0) {
      atomic_store(&threads->failed, status);
    }
    if (atomic_fetch_sub(&threads->left, 1) == 1 && atomic_load(&threads->caller_asleep)) {
      wake(&threads->left, 1);
    }
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
  if (threads == NULL || running_now()->thread != 0) {
    return run_here(task, given, tasks);
  }
  threads->task = task;
  threads->given = given;
  threads->tasks = tasks;
  atomic_store(&threads->failed, 0);
  atomic_store(&threads->left, (uint32_t)threads->workers);
  begin_job(threads);
  int32_t status = run_share(threads, 0);
  wait_for_workers(threads);
  return status != 0 ? status : atomic_load(&threads->failed);
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
  threads->ending = true;
  begin_job(threads);
  for (int32_t i = 0; i < threads->workers; i++) {
    pthread_join(threads->worker[i].thread, NULL);
  }
}
