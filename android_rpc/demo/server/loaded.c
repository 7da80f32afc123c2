#define _GNU_SOURCE
#include "loaded.h"

#include <time.h>

enum { MAX_TEXT = 1 << 18 };

double clock_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

struct result text_result(int session) {
  return (struct result){
      .session = session, .type = WEBSOCKET_TEXT, .bytes = buffer_of(MAX_TEXT)};
}

void tell_error(struct compute *compute, int session, const char *code, const char *why) {
  struct result result = text_result(session);
  buffer_print(&result.bytes, "{\"type\":\"error\",\"code\":\"%s\",\"message\":", code);
  buffer_add_string(&result.bytes, why);
  buffer_print(&result.bytes, "}");
  compute_deliver(compute, &result, 0);
}

void tell_status(struct compute *compute, const struct loaded *loaded, int session,
                        depth_status status) {
  tell_error(compute, session, status_name(status), loaded->package->last_error(loaded->network));
}

void add_cpus(struct buffer *json, const struct loaded *loaded) {
  buffer_print(json, "\"cpus\":[");
  for (int32_t i = 0; i < loaded->cpu_count; i++)
    buffer_print(json, "%s%d", i ? "," : "", (int)loaded->cpus[i]);
  buffer_print(json, "]");
}
