#include "benchmark.h"

#include <string.h>

#include "json.h"

enum { MAX_RECORD = 1 << 20, MAX_EVENT = MAX_RECORD + 4096 };
/* It runs in pieces, between which it can be stopped. */
static const double PIECE_MS = 50, PROGRESS_MS = 250;

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
  double told = clock_ms();
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
    if (counts && clock_ms() - told >= PROGRESS_MS) {
      tell_progress(compute, session, done, runs);
      told = clock_ms();
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

void run_benchmark(struct compute *compute, struct loaded *loaded, const struct task *task) {
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

void keep_record(struct compute *compute, struct loaded *loaded, const struct task *task) {
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
    result.event = buffer_of(MAX_EVENT);
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
