#define _GNU_SOURCE
#include "compute.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { LEAVE_S = 2 };

int compute_start(struct compute *compute, void *(*run)(void *)) {
  memset(compute, 0, sizeof *compute);
  pthread_mutex_init(&compute->lock, NULL);
  pthread_cond_init(&compute->changed, NULL);
  compute->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (compute->wake < 0) return -1;
  return pthread_create(&compute->thread, NULL, run, compute) ? -1 : 0;
}

/* What a session ordered, with the lock held. */
static void forget(struct compute *compute) {
  free(compute->frame.frame);
  compute->frame.frame = NULL;
  compute->order_count = 0;
  if (compute->has_result) result_free(&compute->result);
  compute->has_result = 0;
}

int compute_end(struct compute *compute) {
  struct timespec deadline;
  pthread_mutex_lock(&compute->lock);
  compute->quit = 1;
  forget(compute);
  pthread_cond_broadcast(&compute->changed);
  pthread_mutex_unlock(&compute->lock);
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += LEAVE_S;
  if (pthread_timedjoin_np(compute->thread, NULL, &deadline)) return -1;
  close(compute->wake);
  pthread_cond_destroy(&compute->changed);
  pthread_mutex_destroy(&compute->lock);
  return 0;
}

void compute_begin_session(struct compute *compute) {
  pthread_mutex_lock(&compute->lock);
  compute->session++;
  forget(compute);
  pthread_cond_broadcast(&compute->changed);
  pthread_mutex_unlock(&compute->lock);
}

/* Ends the benchmark that runs, and those that wait. */
static void stop(struct compute *compute) {
  for (int i = 0; i < compute->order_count; i++) compute->orders[i].stopped = 1;
  compute->stop = 1;
}

int compute_order(struct compute *compute, const struct order *order,
                  const struct package *package) {
  int full = 0;
  pthread_mutex_lock(&compute->lock);
  if (order->kind == ORDER_STOP) {
    stop(compute);
  } else if ((full = compute->order_count == MAX_ORDERS) == 0) {
    compute->orders[compute->order_count++] = (struct task){
        .kind = TASK_ORDER, .session = compute->session, .order = *order, .package = package};
  }
  pthread_cond_broadcast(&compute->changed);
  pthread_mutex_unlock(&compute->lock);
  return full ? -1 : 0;
}

void compute_frame(struct compute *compute, struct frame_head head, uint8_t *frame) {
  pthread_mutex_lock(&compute->lock);
  free(compute->frame.frame);
  compute->frame = (struct task){
      .kind = TASK_FRAME, .session = compute->session, .head = head, .frame = frame};
  pthread_cond_broadcast(&compute->changed);
  pthread_mutex_unlock(&compute->lock);
}

int compute_take(struct compute *compute, struct result *result) {
  eventfd_t ignored;
  pthread_mutex_lock(&compute->lock);
  int taken = compute->has_result;
  if (taken) *result = compute->result;
  compute->has_result = 0;
  eventfd_read(compute->wake, &ignored);
  pthread_cond_broadcast(&compute->changed);
  pthread_mutex_unlock(&compute->lock);
  return taken;
}

void result_free(struct result *result) {
  buffer_free(&result->bytes);
  buffer_free(&result->event);
}

/* With the lock held: whether there is something to do. */
static int take_task(struct compute *compute, struct task *task) {
  if (compute->quit) {
    *task = (struct task){.kind = TASK_QUIT};
  } else if (compute->known_session != compute->session) {
    compute->known_session = compute->session;
    *task = (struct task){.kind = TASK_FORGET, .session = compute->session};
  } else if (compute->has_result) {
    return 0;
  } else if (compute->order_count) {
    *task = compute->orders[0];
    compute->order_count--;
    memmove(compute->orders, compute->orders + 1,
            (size_t)compute->order_count * sizeof *compute->orders);
    compute->stop = task->stopped;
  } else if (compute->frame.frame) {
    *task = compute->frame;
    compute->frame.frame = NULL;
  } else {
    return 0;
  }
  return 1;
}

struct task compute_next(struct compute *compute) {
  struct task task;
  pthread_mutex_lock(&compute->lock);
  while (!take_task(compute, &task)) pthread_cond_wait(&compute->changed, &compute->lock);
  pthread_mutex_unlock(&compute->lock);
  return task;
}

void compute_deliver(struct compute *compute, struct result *result, int optional) {
  pthread_mutex_lock(&compute->lock);
  while (!optional && compute->has_result && !compute->quit &&
         result->session == compute->session)
    pthread_cond_wait(&compute->changed, &compute->lock);
  if (compute->has_result || compute->quit || result->session != compute->session) {
    result_free(result);
  } else {
    compute->result = *result;
    compute->has_result = 1;
    eventfd_write(compute->wake, 1);
  }
  pthread_mutex_unlock(&compute->lock);
}

int compute_stopped(struct compute *compute, int session) {
  pthread_mutex_lock(&compute->lock);
  int stopped = compute->stop || compute->quit || session != compute->session;
  pthread_mutex_unlock(&compute->lock);
  return stopped;
}
