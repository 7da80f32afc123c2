#include "buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

enum { FIRST_CAPACITY = 512, MAX_PRINTED = 512 };

struct buffer buffer_of(size_t most) { return (struct buffer){.most = most}; }

void buffer_free(struct buffer *buffer) {
  free(buffer->bytes);
  *buffer = buffer_of(buffer->most);
}

void *buffer_room(struct buffer *buffer, size_t size) {
  if (buffer->failed || size > buffer->most - buffer->used) {
    buffer->failed = 1;
    return NULL;
  }
  if (size > buffer->capacity - buffer->used) {
    size_t capacity = buffer->capacity ? buffer->capacity : FIRST_CAPACITY;
    while (capacity < buffer->used + size) capacity *= 2;
    if (capacity > buffer->most) capacity = buffer->most;
    char *bytes = realloc(buffer->bytes, capacity);
    if (!bytes) {
      buffer->failed = 1;
      return NULL;
    }
    buffer->bytes = bytes;
    buffer->capacity = capacity;
  }
  buffer->used += size;
  return buffer->bytes + (buffer->used - size);
}

void buffer_add(struct buffer *buffer, const void *bytes, size_t size) {
  void *room = size ? buffer_room(buffer, size) : NULL;
  if (room) memcpy(room, bytes, size);
}

void buffer_print(struct buffer *buffer, const char *format, ...) {
  char text[MAX_PRINTED];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (length < 0 || length >= MAX_PRINTED)
    buffer->failed = 1;
  else
    buffer_add(buffer, text, (size_t)length);
}

void buffer_add_string(struct buffer *buffer, const char *text) {
  size_t left = strlen(text);
  buffer_add(buffer, "\"", 1);
  while (left) {
    size_t length = utf8_length((const uint8_t *)text, left);
    unsigned char first = (unsigned char)*text;
    if (length == 0)
      buffer_add(buffer, "?", 1);
    else if (first < 0x20 || first == '"' || first == '\\')
      buffer_print(buffer, "\\u%04x", first);
    else
      buffer_add(buffer, text, length);
    text += length ? length : 1;
    left -= length ? length : 1;
  }
  buffer_add(buffer, "\"", 1);
}
