/* What a browser sends over its WebSocket: orders as JSON, and camera frames. */
#ifndef DEMO_MESSAGE_H
#define DEMO_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

enum {
  MAX_ORDER = 4096,
  MAX_ID = 64,
  MAX_THREADS = 64,
  MAX_WARM_UP = 1000,
  MAX_RUNS = 10000,
  MAX_SIDE = 1920,
  FRAME_HEAD = 16,
  MAX_FRAME = FRAME_HEAD + MAX_SIDE * MAX_SIDE * 4
};

enum order_kind { ORDER_LOAD, ORDER_BENCHMARK, ORDER_STOP, ORDER_RECORD };

struct order {
  enum order_kind kind;
  char package[MAX_ID + 1];
  int32_t threads; /* 0: as many as it was compiled for */
  int32_t cpus[MAX_THREADS];
  int32_t cpu_count; /* 0: the server's choice */
  int32_t warm_up, runs;
  int32_t benchmark; /* the number of the one to be recorded */
};

/* 0, or -1 where the text is no order or a number of it is out of bounds. */
int parse_order(const char *text, size_t size, struct order *order);

struct frame_head {
  uint32_t number;
  uint16_t width, height, rotation;
};

/* The head of a frame that has as many bytes as it tells: 0, else -1. */
int parse_frame(const uint8_t *bytes, size_t size, struct frame_head *head);

#endif
