#define _GNU_SOURCE
#include "kernel_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

ssize_t read_kernel_file(const char *path, char *bytes, size_t capacity) {
  size_t used = 0;
  ssize_t received = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return -1;
  while (used < capacity && (received = read(fd, bytes + used, capacity - used)) > 0)
    used += (size_t)received;
  int cause = errno;
  close(fd);
  errno = cause;
  return received < 0 ? -1 : (ssize_t)used;
}
