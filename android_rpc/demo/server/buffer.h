/* Bytes that grow up to a bound, and JSON written into them. */
#ifndef DEMO_BUFFER_H
#define DEMO_BUFFER_H

#include <stddef.h>

struct buffer {
  char *bytes; /* of malloc, or NULL */
  size_t used, capacity, most;
  int failed; /* something did not fit, or there is no memory: what is there is not whole */
};

/* An empty one that holds at most `most` bytes. */
struct buffer buffer_of(size_t most);

void buffer_free(struct buffer *buffer);

/* Room for `size` more bytes, which then count as used; NULL where it fails. */
void *buffer_room(struct buffer *buffer, size_t size);

void buffer_add(struct buffer *buffer, const void *bytes, size_t size);

void buffer_print(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A JSON string of any text: bytes that are no UTF-8 become question marks. */
void buffer_add_string(struct buffer *buffer, const char *text);

#endif
