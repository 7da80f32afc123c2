#include "worker.h"

#include <stdlib.h>
#include <string.h>

#include "benchmark.h"
#include "loaded.h"

enum { MAP_HEAD = 20, MAP_MAGIC = 0x50414d44 };

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

static void load(struct worker *worker, struct loaded *loaded, const struct task *task) {
  const struct package *package = task->package;
  double began = clock_ms();
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
  buffer_print(&result.bytes, ",\"load_ms\":%.3f}", clock_ms() - began);
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

static void run_frame(struct worker *worker, struct loaded *loaded, const struct task *task) {
  struct compute *compute = &worker->compute;
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
  double began = clock_ms(), conversion_ms = 0, forward_ms = 0;
  double focal = worker->focal * (frame.rotation % 180 ? frame.height : frame.width);
  depth_status status = package->set_camera(loaded->network, focal, focal);
  if (status == DEPTH_OK)
    status =
        package->run_frame(loaded->network, &frame, (float *)(void *)(map + MAP_HEAD), map_bytes);
  double frame_ms = clock_ms() - began;
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
        run_frame(worker, &loaded, &task);
      else
        tell_error(compute, task.session, "not_loaded", "no network is loaded");
      free(task.frame);
    } else {
      unload(&loaded);
      if (task.kind == TASK_QUIT) return NULL;
    }
  }
}
