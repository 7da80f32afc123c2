/* Bytes that wait to be sent on a connection. */
#ifndef DEMO_OUTPUT_H
#define DEMO_OUTPUT_H

#include <stddef.h>

#include "buffer.h"

/* More than one answer and its head only a peer that asks and does not read can make wait. */
enum { MAX_WAITING = 64 };

struct output {
  struct buffer waiting[MAX_WAITING]; /* the first is being sent */
  int count;
  size_t sent; /* of the first */
};

/* Takes the buffer: 0, or -1 where too many wait or it is not whole. */
int output_add(struct output *output, struct buffer *buffer);

/* Sends what the socket takes: 1 when nothing waits any more, 0 when something does, -1 when the
 * connection is lost. */
int output_send(struct output *output, int fd);

void output_free(struct output *output);

#endif
