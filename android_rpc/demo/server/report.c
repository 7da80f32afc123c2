#include "report.h"

#include <stdio.h>

void report_ready(uint16_t port, const char *token) {
  printf("{\"event\":\"ready\",\"port\":%d,\"token\":\"%s\"}\n", port, token);
  fflush(stdout);
}

void report_browser(int here) {
  printf("{\"event\":\"browser\",\"here\":%s}\n", here ? "true" : "false");
  fflush(stdout);
}

void report_line(const struct buffer *line) {
  if (line->failed) return;
  fwrite(line->bytes, 1, line->used, stdout);
  putchar('\n');
  fflush(stdout);
}
