#define _GNU_SOURCE
#include "worker.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "json.h"

enum { MAX_TEXT = 1 << 18, MAX_RECORD = 1 << 20, MAP_HEAD = 24, MAP_MAGIC = 0x50414d44 };
/* A benchmark runs in pieces, between which it can be stopped. */
static const double PIECE_MS = 50, PROGRESS_MS = 250;

struct loaded { /* what the thread has */
  const struct package *package; /* NULL: nothing */
  depth_network network;
  int32_t threads;
  int32_t cpus[MAX_THREADS], cpu_count;
  int32_t benchmark, warm_up, runs; /* the last one; 0: none */
  double milliseconds[MAX_RUNS];
};

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static struct result text_result(int session) {
  return (struct result){
      .session = session, .type = WEBSOCKET_TEXT, .bytes = buffer_of(MAX_TEXT)};
}

static void tell_error(struct compute *compute, int session, const char *code, const char *why) {
  struct result result = text_result(session);
  buffer_print(&result.bytes, "{\"type\":\"error\",\"code\":\"%s\",\"message\":", code);
  buffer_add_string(&result.bytes, why);
  buffer_print(&result.bytes, "}");
  compute_deliver(compute, &result, 0);
}

static void tell_status(struct compute *compute, const struct loaded *loaded, int session,
                        depth_status status) {
  tell_error(compute, session, status_name(status), loaded->package->last_error(loaded->network));
}

static void unload(struct loaded *loaded) {
  if (loaded->package && loaded->network) loaded->package->destroy(loaded->network);
  loaded->package = NULL;
  loaded->network = 0;
  loaded->benchmark = 0;
}

static void choose_cpus(const struct worker *worker, const struct order *order,
                        struct loaded *loaded) {
  loaded->cpu_count = order->cpu_count;
  memcpy(loaded->cpus, order->cpus, sizeof loaded->cpus);
  for (int i = 0; i < worker->choice_count && !loaded->cpu_count; i++) {
    if (worker->choices[i].threads != loaded->threads) continue;
    loaded->cpu_count = worker->choices[i].count;
    memcpy(loaded->cpus, worker->choices[i].cpus, sizeof loaded->cpus);
  }
}

static void add_cpus(struct buffer *json, const struct loaded *loaded) {
  buffer_print(json, "\"cpus\":[");
  for (int32_t i = 0; i < loaded->cpu_count; i++)
    buffer_print(json, "%s%d", i ? "," : "", (int)loaded->cpus[i]);
  buffer_print(json, "]");
}

static void load(struct worker *worker, struct loaded *loaded, const struct task *task) {
  const struct package *package = task->package;
  double began = now();
  unload(loaded);
  loaded->package = package;
  loaded->threads = task->order.threads ? task->order.threads : package->threads;
  choose_cpus(worker, &task->order, loaded);
  depth_options options = {.threads = loaded->threads,
                           .cpus = loaded->cpu_count ? loaded->cpus : NULL,
                           .cpu_count = loaded->cpu_count,
                           .weights = *package->weights ? package->weights : NULL};
  depth_status status = package->create(&loaded->network, &options);
  if (status != DEPTH_OK) {
    loaded->network = 0;
    tell_status(&worker->compute, loaded, task->session, status);
    unload(loaded);
    return;
  }
  struct result result = text_result(task->session);
  buffer_print(&result.bytes, "{\"type\":\"loaded\",\"package\":");
  buffer_add_string(&result.bytes, package->id);
  buffer_print(&result.bytes, ",\"threads\":%d,", (int)loaded->threads);
  add_cpus(&result.bytes, loaded);
  buffer_print(&result.bytes, ",\"load_ms\":%.3f}", now() - began);
  compute_deliver(&worker->compute, &result, 0);
}

static void write_u16(uint8_t *bytes, int32_t value) {
  bytes[0] = (uint8_t)value;
  bytes[1] = (uint8_t)(value >> 8);
}

static void write_u32(uint8_t *bytes, uint32_t value) {
  for (int i = 0; i < 4; i++) bytes[i] = (uint8_t)(value >> 8 * i);
}

static void write_f32(uint8_t *bytes, double value) {
  float rounded = (float)value;
  uint32_t bits;
  memcpy(&bits, &rounded, sizeof bits);
  write_u32(bytes, bits);
}

static void run_frame(struct compute *compute, struct loaded *loaded, const struct task *task) {
  const struct package *package = loaded->package;
  size_t map_bytes = (size_t)package->map_width * (size_t)package->map_height * sizeof(float);
  size_t frame_bytes = (size_t)task->head.width * task->head.height * 4;
  struct result result = {.session = task->session, .type = WEBSOCKET_BINARY};
  result.bytes = buffer_of(MAP_HEAD + map_bytes);
  uint8_t *map = buffer_room(&result.bytes, MAP_HEAD + map_bytes);
  if (!map) {
    tell_error(compute, task->session, status_name(DEPTH_NO_MEMORY), "no memory for the map");
    return;
  }
  depth_frame frame = {.format = DEPTH_RGBA_8888,
                       .width = task->head.width,
                       .height = task->head.height,
                       .rotation = task->head.rotation,
                       .planes = {{.data = task->frame + FRAME_HEAD,
                                   .bytes = frame_bytes,
                                   .row_stride = task->head.width * 4,
                                   .pixel_stride = 4}}};
  double began = now(), conversion_ms = 0, forward_ms = 0;
  depth_status status =
      package->run_frame(loaded->network, &frame, (float *)(void *)(map + MAP_HEAD), map_bytes);
  double frame_ms = now() - began;
  if (status == DEPTH_OK)
    status = package->last_times(loaded->network, &conversion_ms, &forward_ms);
  if (status != DEPTH_OK) {
    result_free(&result);
    tell_status(compute, loaded, task->session, status);
    return;
  }
  write_u32(map, MAP_MAGIC);
  write_u32(map + 4, task->head.number);
  write_u16(map + 8, package->map_width);
  write_u16(map + 10, package->map_height);
  write_f32(map + 12, forward_ms);
  write_f32(map + 16, frame_ms);
  compute_deliver(compute, &result, 0);
}

static void tell_progress(struct compute *compute, int session, int32_t done, int32_t runs) {
  struct result result = text_result(session);
  buffer_print(&result.bytes, "{\"type\":\"progress\",\"done\":%d,\"runs\":%d}", (int)done,
               (int)runs);
  compute_deliver(compute, &result, 1);
}

/* So many inferences in pieces; how many were done, fewer where it was stopped. -1: `status`. */
static int32_t run_pieces(struct compute *compute, struct loaded *loaded, int session,
                          int32_t runs, int counts, depth_status *status) {
  int32_t done = 0, piece = 1;
  double told = now();
  while (done < runs && !compute_stopped(compute, session)) {
    double *milliseconds = loaded->milliseconds + (counts ? done : 0), total = 0;
    if (piece > runs - done) piece = runs - done;
    *status = loaded->package->benchmark(loaded->network, 0, piece, milliseconds);
    if (*status != DEPTH_OK) return -1;
    for (int32_t i = 0; i < piece; i++) total += milliseconds[i];
    done += piece;
    piece = total > 0 && piece * PIECE_MS < total * MAX_RUNS ? (int32_t)(piece * PIECE_MS / total)
                                                             : MAX_RUNS;
    if (piece < 1) piece = 1;
    if (counts && now() - told >= PROGRESS_MS) {
      tell_progress(compute, session, done, runs);
      told = now();
    }
  }
  return done;
}

static void tell_benchmark(struct compute *compute, const struct loaded *loaded, int session) {
  struct result result = text_result(session);
  buffer_print(&result.bytes, "{\"type\":\"benchmark\",\"benchmark\":%d,\"milliseconds\":[",
               (int)loaded->benchmark);
  for (int32_t i = 0; i < loaded->runs; i++)
    buffer_print(&result.bytes, "%s%.6f", i ? "," : "", loaded->milliseconds[i]);
  buffer_print(&result.bytes, "]}");
  compute_deliver(compute, &result, 0);
}

static void tell_stopped(struct compute *compute, int session, int32_t done) {
  struct result result = text_result(session);
  buffer_print(&result.bytes, "{\"type\":\"stopped\",\"done\":%d}", (int)done);
  compute_deliver(compute, &result, 0);
}

static void run_benchmark(struct compute *compute, struct loaded *loaded,
                          const struct task *task) {
  static int32_t number;
  const struct order *order = &task->order;
  depth_status status = DEPTH_OK;
  int32_t done = 0;
  loaded->benchmark = 0;
  int32_t warm = run_pieces(compute, loaded, task->session, order->warm_up, 0, &status);
  if (warm == order->warm_up)
    done = run_pieces(compute, loaded, task->session, order->runs, 1, &status);
  if (status != DEPTH_OK) {
    tell_status(compute, loaded, task->session, status);
  } else if (done < order->runs) {
    tell_stopped(compute, task->session, done);
  } else {
    loaded->benchmark = ++number;
    loaded->warm_up = order->warm_up;
    loaded->runs = order->runs;
    tell_benchmark(compute, loaded, task->session);
  }
}

/* The record that the library writes: 0, or -1 where `status` says why, or it is no JSON object. */
static int write_record(const struct loaded *loaded, struct buffer *record,
                        depth_status *status) {
  size_t length = 0;
  struct json object;
  const struct package *package = loaded->package;
  *status = package->benchmark_record(loaded->network, loaded->warm_up, loaded->runs,
                                      loaded->milliseconds, NULL, 0, &length);
  if (*status != DEPTH_BAD_BUFFER || length >= MAX_RECORD) return -1;
  char *text = buffer_room(record, length + 1);
  if (!text) return -1;
  *status = package->benchmark_record(loaded->network, loaded->warm_up, loaded->runs,
                                      loaded->milliseconds, text, length + 1, &length);
  if (*status != DEPTH_OK || length >= record->used) return -1;
  record->used = length;
  return json_read(text, length, &object) || *object.text != '{' ||
                 memchr(text, '\n', length)
             ? -1
             : 0;
}

static void keep_record(struct compute *compute, struct loaded *loaded, const struct task *task) {
  depth_status status = DEPTH_OK;
  struct buffer record = buffer_of(MAX_RECORD);
  if (!loaded->benchmark || loaded->benchmark != task->order.benchmark) {
    tell_error(compute, task->session, "unknown_benchmark",
               "only the last benchmark of the network that is loaded can be kept");
  } else if (write_record(loaded, &record, &status)) {
    tell_error(compute, task->session, "no_record",
               loaded->package->last_error(loaded->network));
  } else {
    struct result result = text_result(task->session);
    buffer_print(&result.bytes, "{\"type\":\"recorded\"}");
    result.event = buffer_of(MAX_TEXT + MAX_RECORD);
    buffer_print(&result.event, "{\"event\":\"record\",\"package\":");
    buffer_add_string(&result.event, loaded->package->id);
    buffer_print(&result.event, ",\"threads\":%d,", (int)loaded->threads);
    add_cpus(&result.event, loaded);
    buffer_print(&result.event, ",\"record\":");
    buffer_add(&result.event, record.bytes, record.used);
    buffer_print(&result.event, "}");
    compute_deliver(compute, &result, 0);
  }
  buffer_free(&record);
}

static void do_order(struct worker *worker, struct loaded *loaded, const struct task *task) {
  if (task->order.kind == ORDER_LOAD)
    load(worker, loaded, task);
  else if (!loaded->package)
    tell_error(&worker->compute, task->session, "not_loaded", "no network is loaded");
  else if (task->order.kind == ORDER_BENCHMARK)
    run_benchmark(&worker->compute, loaded, task);
  else
    keep_record(&worker->compute, loaded, task);
}

void *worker_run(void *compute) {
  static struct loaded loaded;
  struct worker *worker = compute;
  for (;;) {
    struct task task = compute_next(compute);
    if (task.kind == TASK_ORDER) {
      do_order(worker, &loaded, &task);
    } else if (task.kind == TASK_FRAME) {
      if (loaded.package)
        run_frame(compute, &loaded, &task);
      else
        tell_error(compute, task.session, "not_loaded", "no network is loaded");
      free(task.frame);
    } else {
      unload(&loaded);
      if (task.kind == TASK_QUIT) return NULL;
    }
  }
}
