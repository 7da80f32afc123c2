#define _GNU_SOURCE
#include "tracker.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "events.h"
#include "net.h"

enum { TRACKER_MAGIC = 0x2F271, PUT = 3, UPDATE_INFO = 5, GET_PENDING_MATCHKEYS = 7 };
enum { MAX_MESSAGE = 1 << 20, ANSWER_MS = 10000, FIRST_ANSWER_MS = 60000 };

int valid_key(const char *key) {
  size_t length = strlen(key);
  if (length == 0 || length > MAX_KEY) return 0;
  for (; *key; key++)
    if (!isalnum((unsigned char)*key) && !strchr("-_.", *key)) return 0;
  return 1;
}

/* The answer, to be freed and never longer than MAX_MESSAGE, or NULL. */
static char *ask(int fd, const char *message) {
  int64_t deadline = now_ms() + ANSWER_MS;
  int32_t length = (int32_t)strlen(message);
  if (send_all(fd, &length, sizeof length, deadline) ||
      send_all(fd, message, (size_t)length, deadline) ||
      receive_all(fd, &length, sizeof length, deadline) || length <= 0 || length > MAX_MESSAGE)
    return NULL;
  char *answer = malloc((size_t)length + 1);
  if (!answer) return NULL;
  if (receive_all(fd, answer, (size_t)length, deadline)) {
    free(answer);
    return NULL;
  }
  answer[length] = '\0';
  return answer;
}

/* For the requests whose whole answer is a code, 0 for success. */
static int ask_for_success(int fd, const char *message) {
  char *answer = ask(fd, message);
  int success = answer && strcmp(answer, "0") == 0;
  free(answer);
  return success ? 0 : -1;
}

int tracker_connect(const struct sockaddr_in *tracker, const char *key,
                    const struct sockaddr_in *advertised, const char *about) {
  char message[MAX_ABOUT + 256], host[INET_ADDRSTRLEN];
  int32_t magic = TRACKER_MAGIC;
  /* a tracker that is still starting accepts long before it answers */
  int64_t deadline = now_ms() + FIRST_ANSWER_MS;
  int fd = connect_to(tracker, deadline);
  if (fd < 0) return -1;
  inet_ntop(AF_INET, &advertised->sin_addr, host, sizeof host);
  snprintf(message, sizeof message,
           "[%d, {\"key\": \"server:%s\", \"addr\": [\"%s\", %d], \"about\": %s}]",
           UPDATE_INFO, key, host, ntohs(advertised->sin_port), about ? about : "null");
  if (send_all(fd, &magic, sizeof magic, deadline) ||
      receive_all(fd, &magic, sizeof magic, deadline) || magic != TRACKER_MAGIC ||
      ask_for_success(fd, message)) {
    close(fd);
    return -1;
  }
  return fd;
}

int tracker_offer(int fd, const char *key, const struct sockaddr_in *advertised,
                  char match_key[MATCH_KEY_SIZE]) {
  char message[512], host[INET_ADDRSTRLEN];
  uint64_t secret[2];
  if (getrandom(secret, sizeof secret, 0) != (ssize_t)sizeof secret) return -1;
  snprintf(match_key, MATCH_KEY_SIZE, "%s:%016llx%016llx", key, (unsigned long long)secret[0],
           (unsigned long long)secret[1]);
  inet_ntop(AF_INET, &advertised->sin_addr, host, sizeof host);
  snprintf(message, sizeof message, "[%d, \"%s\", [%d, \"%s\"], \"%s\"]", PUT, key,
           ntohs(advertised->sin_port), match_key, host);
  return ask_for_success(fd, message);
}

int tracker_offer_waits(int fd, const char *match_key) {
  char message[16];
  snprintf(message, sizeof message, "[%d]", GET_PENDING_MATCHKEYS);
  char *pending = ask(fd, message);
  if (!pending) return -1;
  int waits = strstr(pending, match_key) != NULL;
  free(pending);
  return waits;
}
