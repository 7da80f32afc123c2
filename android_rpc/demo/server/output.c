#define _GNU_SOURCE
#include "output.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

int output_add(struct output *output, struct buffer *buffer) {
  if (buffer->failed || output->count == MAX_WAITING) {
    buffer_free(buffer);
    return -1;
  }
  if (buffer->used)
    output->waiting[output->count++] = *buffer;
  else
    buffer_free(buffer);
  return 0;
}

int output_send(struct output *output, int fd) {
  while (output->count) {
    struct buffer *first = &output->waiting[0];
    ssize_t sent =
        send(fd, first->bytes + output->sent, first->used - output->sent, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno == EAGAIN ? 0 : -1;
    output->sent += (size_t)sent;
    if (output->sent < first->used) continue;
    buffer_free(first);
    output->sent = 0;
    output->count--;
    memmove(output->waiting, output->waiting + 1, (size_t)output->count * sizeof *first);
  }
  return 1;
}

void output_free(struct output *output) {
  for (int i = 0; i < output->count; i++) buffer_free(&output->waiting[i]);
  output->count = 0;
  output->sent = 0;
}
