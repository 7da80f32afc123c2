#define _GNU_SOURCE
#include "page.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char INDEX[] = "index.html";

const char *page_type(const char *name) {
  static const char LETTERS[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  if (!*name || !strcmp(name, INDEX)) return "text/html; charset=utf-8";
  name += strspn(name, LETTERS);
  if (!strcmp(name, ".js")) return "text/javascript; charset=utf-8";
  if (!strcmp(name, ".css")) return "text/css; charset=utf-8";
  if (!strcmp(name, ".svg")) return "image/svg+xml";
  return NULL;
}

static int read_all(int fd, char *bytes, size_t size) {
  while (size) {
    ssize_t received = read(fd, bytes, size);
    if (received <= 0) return -1;
    bytes += received;
    size -= (size_t)received;
  }
  return 0;
}

int page_read(const char *folder, const char *name, struct buffer *content) {
  char path[PATH_MAX];
  struct stat status;
  if (snprintf(path, sizeof path, "%s/%s", folder, *name ? name : INDEX) >= PATH_MAX) return -1;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return -1;
  int failed = fstat(fd, &status) || !S_ISREG(status.st_mode) || status.st_size > MAX_PAGE_FILE;
  if (!failed && status.st_size) {
    char *room = buffer_room(content, (size_t)status.st_size);
    failed = !room || read_all(fd, room, (size_t)status.st_size);
  }
  close(fd);
  return failed ? -1 : 0;
}
