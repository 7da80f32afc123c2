/*
 * What lies between the thread of the connections and the one that computes.
 *
 * Orders wait in line, frames do not: the newest replaces the one that waits. One result waits to
 * be sent; until it is taken nothing more is computed, so that a slow browser slows all down and
 * nothing piles up. What a browser that has left ordered is forgotten.
 */
#ifndef DEMO_COMPUTE_H
#define DEMO_COMPUTE_H

#include <pthread.h>

#include "buffer.h"
#include "message.h"
#include "package.h"
#include "websocket.h"

enum { MAX_ORDERS = 8 };

struct task {
  enum { TASK_ORDER, TASK_FRAME, TASK_FORGET, TASK_QUIT } kind;
  int session;
  struct order order;
  const struct package *package; /* of ORDER_LOAD */
  int stopped;                   /* a benchmark that was stopped before it began */
  struct frame_head head;
  uint8_t *frame; /* of malloc: the message, with its head */
};

struct result {
  int session;
  enum opcode type;
  struct buffer bytes; /* the message */
  struct buffer event; /* a line for whoever started the server, or empty */
};

struct compute {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int wake; /* an eventfd: readable when a result waits */
  int session, known_session;
  int stop; /* the benchmark */
  int quit;
  struct task orders[MAX_ORDERS], frame; /* `frame.frame` NULL: none waits */
  int order_count;
  struct result result;
  int has_result;
};

/* Starts the thread, which calls `run` with the compute: 0, or -1. */
int compute_start(struct compute *compute, void *(*run)(void *));

/* Ends the thread; where it does not end in a second or two, -1: end the process. */
int compute_end(struct compute *compute);

/* A browser has come, or left: what was asked before is forgotten. */
void compute_begin_session(struct compute *compute);

/* 0, or -1 when too many orders wait. */
int compute_order(struct compute *compute, const struct order *order,
                  const struct package *package);

/* Takes `frame`. */
void compute_frame(struct compute *compute, struct frame_head head, uint8_t *frame);

/* The result that waits: 1, and it is the caller's; else 0. */
int compute_take(struct compute *compute, struct result *result);

void result_free(struct result *result);

/* For the thread that computes: */

/* Waits for something to do. */
struct task compute_next(struct compute *compute);

/* Hands a result over when there is room, and takes it; where there is none an `optional` one is
 * dropped. */
void compute_deliver(struct compute *compute, struct result *result, int optional);

/* Whether the benchmark of a session shall end. */
int compute_stopped(struct compute *compute, int session);

#endif
