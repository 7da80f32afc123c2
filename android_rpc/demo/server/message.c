#include "message.h"

#include <string.h>

#include "json.h"

enum { FRAME_MAGIC = 0x4d524644, DEFAULT_WARM_UP = 10, DEFAULT_RUNS = 300, MAX_CPU = 1023 };
enum { MAX_KIND = 16 };

/* A member that may be missing: `number` then stays. 0, or -1 where it is out of bounds. */
static int optional_integer(struct json object, const char *name, int32_t least, int32_t most,
                            int32_t *number) {
  struct json value;
  return json_member(object, name, &value) ? 0 : json_integer(value, least, most, number);
}

static int parse_cpus(struct json object, struct order *order) {
  struct json array, item;
  if (json_member(object, "cpus", &array)) return 0;
  if (*array.text != '[') return -1;
  while (json_item(array, (size_t)order->cpu_count, &item) == 0) {
    if (order->cpu_count == MAX_THREADS) return -1;
    if (json_integer(item, 0, MAX_CPU, &order->cpus[order->cpu_count++])) return -1;
  }
  return 0;
}

static int parse_load(struct json object, struct order *order) {
  struct json package;
  return json_member(object, "package", &package) ||
                 json_string(package, order->package, sizeof order->package) ||
                 optional_integer(object, "threads", 0, MAX_THREADS, &order->threads)
             ? -1
             : parse_cpus(object, order);
}

static int parse_benchmark(struct json object, struct order *order) {
  order->warm_up = DEFAULT_WARM_UP;
  order->runs = DEFAULT_RUNS;
  return optional_integer(object, "warm_up", 0, MAX_WARM_UP, &order->warm_up) ||
                 optional_integer(object, "runs", 1, MAX_RUNS, &order->runs)
             ? -1
             : 0;
}

static int parse_record(struct json object, struct order *order) {
  struct json benchmark;
  return json_member(object, "benchmark", &benchmark) ||
                 json_integer(benchmark, 1, INT32_MAX, &order->benchmark)
             ? -1
             : 0;
}

int parse_order(const char *text, size_t size, struct order *order) {
  struct json object, type;
  char kind[MAX_KIND];
  memset(order, 0, sizeof *order);
  if (size > MAX_ORDER || json_read(text, size, &object) || json_member(object, "type", &type) ||
      json_string(type, kind, sizeof kind))
    return -1;
  if (!strcmp(kind, "load")) {
    order->kind = ORDER_LOAD;
    return parse_load(object, order);
  }
  if (!strcmp(kind, "benchmark")) {
    order->kind = ORDER_BENCHMARK;
    return parse_benchmark(object, order);
  }
  if (!strcmp(kind, "record")) {
    order->kind = ORDER_RECORD;
    return parse_record(object, order);
  }
  order->kind = ORDER_STOP;
  return strcmp(kind, "stop") ? -1 : 0;
}

static uint32_t read_u16(const uint8_t *bytes) { return (uint32_t)(bytes[0] | bytes[1] << 8); }

static uint32_t read_u32(const uint8_t *bytes) {
  return read_u16(bytes) | read_u16(bytes + 2) << 16;
}

int parse_frame(const uint8_t *bytes, size_t size, struct frame_head *head) {
  if (size < FRAME_HEAD || read_u32(bytes) != FRAME_MAGIC) return -1;
  uint32_t width = read_u16(bytes + 8), height = read_u16(bytes + 10);
  uint32_t rotation = read_u16(bytes + 12);
  if (width < 1 || width > MAX_SIDE || height < 1 || height > MAX_SIDE) return -1;
  if (rotation % 90 || rotation > 270 || read_u16(bytes + 14)) return -1;
  if (size != FRAME_HEAD + (size_t)width * height * 4) return -1;
  *head = (struct frame_head){read_u32(bytes + 4), (uint16_t)width, (uint16_t)height,
                              (uint16_t)rotation};
  return 0;
}
