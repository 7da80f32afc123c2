#define _GNU_SOURCE
#include "handshake.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "log.h"
#include "net.h"
#include "tracker.h"

enum { RPC_MAGIC = 0xFF271, MISMATCH = RPC_MAGIC + 2, MAX_HELLO = 1024, HELLO_MS = 3000 };

static const char TIMEOUT_OPTION[] = "-timeout=";

int parse_hello(char *hello, const char *match_key, double *limit_s) {
  static const char role[] = "client:";
  char *rest = NULL;
  char *name = strtok_r(hello, " ", &rest);
  *limit_s = 0;
  if (!name || strncmp(name, role, strlen(role)) || strcmp(name + strlen(role), match_key))
    return -1;
  for (char *option; (option = strtok_r(NULL, " ", &rest));) {
    if (strncmp(option, TIMEOUT_OPTION, strlen(TIMEOUT_OPTION))) continue;
    char *end, *number = option + strlen(TIMEOUT_OPTION);
    double seconds = strtod(number, &end);
    if (end == number || *end || !isfinite(seconds) || seconds < 0) return -1;
    *limit_s = seconds;
  }
  return 0;
}

double parse_hold(const char *hello) {
  static const char option[] = " -hold=";
  const char *found = strstr(hello, option);
  if (!found) return 0;
  double seconds = strtod(found + strlen(option), NULL);
  return !(seconds > 0) ? 0 : seconds < MAX_HOLD_S ? seconds : MAX_HOLD_S;
}

int shake_hands(int fd, const char *key, const char *match_key, double *limit_s, double *hold_s) {
  char hello[MAX_HELLO + 1], answer[MAX_KEY + 16];
  int32_t magic, length;
  int64_t deadline = now_ms() + HELLO_MS;
  if (receive_all(fd, &magic, sizeof magic, deadline) || magic != RPC_MAGIC ||
      receive_all(fd, &length, sizeof length, deadline) || length <= 0 || length > MAX_HELLO ||
      receive_all(fd, hello, (size_t)length, deadline)) {
    log_line("refused a connection that does not speak TVM RPC");
    return -1;
  }
  hello[length] = '\0';
  *hold_s = parse_hold(hello);
  if (parse_hello(hello, match_key, limit_s)) {
    int32_t code = MISMATCH;
    send_all(fd, &code, sizeof code, deadline);
    log_line("refused a client with another key");
    return -1;
  }
  length = snprintf(answer, sizeof answer, "server:%s", key);
  return send_all(fd, &magic, sizeof magic, deadline) ||
                 send_all(fd, &length, sizeof length, deadline) ||
                 send_all(fd, answer, (size_t)length, deadline)
             ? -1
             : 0;
}
