#include "websocket.h"

#include <stdlib.h>
#include <string.h>

#include "utf8.h"

enum { SHORT_HEAD = 2, MASK_BYTES = 4, SIZE_16 = 126, SIZE_64 = 127 };

static enum arrival wrong(struct websocket *socket, enum close_code code) {
  socket->close_code = code;
  return ARRIVED_WRONG;
}

static enum opcode frame_opcode(const struct websocket *socket) {
  return (enum opcode)(socket->head[0] & 0x0f);
}

static int is_control(const struct websocket *socket) { return socket->head[0] & 0x08; }

static int is_last(const struct websocket *socket) { return socket->head[0] & 0x80; }

/* How long the head is, as its second byte tells. */
static size_t head_size(const struct websocket *socket) {
  int size = socket->head[1] & 0x7f;
  return SHORT_HEAD + (size == SIZE_16 ? 2 : size == SIZE_64 ? 8 : 0) + MASK_BYTES;
}

/* Of the first two bytes: 0, or the code to close with. */
static int check_head(const struct websocket *socket) {
  enum opcode opcode = frame_opcode(socket);
  int known = opcode <= WEBSOCKET_BINARY || (opcode >= WEBSOCKET_CLOSE && opcode <= WEBSOCKET_PONG);
  if (!known || socket->head[0] & 0x70 || !(socket->head[1] & 0x80)) return CLOSE_PROTOCOL_ERROR;
  if (is_control(socket))
    return is_last(socket) && (socket->head[1] & 0x7f) <= MAX_CONTROL ? 0 : CLOSE_PROTOCOL_ERROR;
  int continues = socket->type != WEBSOCKET_CONTINUATION;
  return continues == (opcode == WEBSOCKET_CONTINUATION) ? 0 : CLOSE_PROTOCOL_ERROR;
}

static uint64_t payload_size(const struct websocket *socket) {
  uint64_t size = socket->head[1] & 0x7f;
  if (size < SIZE_16) return size;
  size_t count = size == SIZE_16 ? 2 : 8;
  size = 0;
  for (size_t i = 0; i < count; i++) size = size << 8 | socket->head[SHORT_HEAD + i];
  return size;
}

/* Room for the payload of a frame of data: 0, or the code to close with. */
static int make_room(struct websocket *socket) {
  if (socket->type == WEBSOCKET_CONTINUATION) socket->type = frame_opcode(socket);
  size_t most = socket->type == WEBSOCKET_TEXT ? socket->most_text : socket->most_binary;
  if (socket->size > most - socket->used) return CLOSE_TOO_BIG;
  size_t needed = socket->used + (size_t)socket->size;
  if (needed <= socket->capacity && socket->message) return 0;
  size_t capacity = needed > 2 * socket->capacity ? needed : 2 * socket->capacity;
  if (capacity > most) capacity = most;
  uint8_t *message = realloc(socket->message, capacity ? capacity : 1);
  if (!message) return CLOSE_TOO_BIG;
  socket->message = message;
  socket->capacity = capacity;
  return 0;
}

/* Reads what is missing of the head: 1 when it is whole, 0 when not, -1 to close. */
static int read_head(struct websocket *socket, const uint8_t **bytes, size_t *count) {
  int code = 0;
  for (;;) {
    size_t needed = socket->head_used < SHORT_HEAD ? SHORT_HEAD : head_size(socket);
    if (socket->head_used == needed) break;
    if (*count == 0) return 0;
    socket->head[socket->head_used++] = *(*bytes)++;
    --*count;
    if (socket->head_used == SHORT_HEAD && (code = check_head(socket))) break;
    if (socket->head_used < SHORT_HEAD || socket->head_used < head_size(socket)) continue;
    socket->size = payload_size(socket);
    socket->read = 0;
    if (!is_control(socket)) code = make_room(socket);
    break;
  }
  if (code) socket->close_code = (uint16_t)code;
  return code ? -1 : 1;
}

static void read_payload(struct websocket *socket, const uint8_t **bytes, size_t *count) {
  const uint8_t *mask = socket->head + socket->head_used - MASK_BYTES;
  uint8_t *to = is_control(socket) ? socket->control : socket->message + socket->used;
  uint64_t left = socket->size - socket->read;
  size_t now = left < *count ? (size_t)left : *count;
  for (size_t i = 0; i < now; i++)
    to[socket->read + i] = (*bytes)[i] ^ mask[(socket->read + i) % MASK_BYTES];
  socket->read += now;
  *bytes += now;
  *count -= now;
}

static int valid_code(uint16_t code) {
  return (code >= 1000 && code <= 1014 && code != 1004 && code != CLOSE_NO_CODE && code != 1006) ||
         (code >= 3000 && code <= 4999);
}

static enum arrival end_control(struct websocket *socket) {
  enum opcode opcode = frame_opcode(socket);
  if (opcode == WEBSOCKET_PING) return ARRIVED_PING;
  if (opcode == WEBSOCKET_PONG) return ARRIVED_PONG;
  if (socket->size == 1) return wrong(socket, CLOSE_PROTOCOL_ERROR);
  socket->close_code = CLOSE_NO_CODE;
  if (socket->size == 0) return ARRIVED_CLOSE;
  uint16_t code = (uint16_t)(socket->control[0] << 8 | socket->control[1]);
  if (!valid_code(code)) return wrong(socket, CLOSE_PROTOCOL_ERROR);
  if (!utf8_valid(socket->control + 2, (size_t)socket->size - 2))
    return wrong(socket, CLOSE_NO_UTF8);
  socket->close_code = code;
  return ARRIVED_CLOSE;
}

static enum arrival end_data(struct websocket *socket) {
  socket->used += (size_t)socket->size;
  if (!is_last(socket)) return ARRIVED_NOTHING;
  int text = socket->type == WEBSOCKET_TEXT;
  socket->type = WEBSOCKET_CONTINUATION;
  if (!text) return ARRIVED_BINARY;
  return utf8_valid(socket->message, socket->used) ? ARRIVED_TEXT : wrong(socket, CLOSE_NO_UTF8);
}

enum arrival websocket_read(struct websocket *socket, const uint8_t **bytes, size_t *count) {
  for (;;) {
    if (socket->type == WEBSOCKET_CONTINUATION && socket->head_used == 0) {
      if (!socket->message) socket->capacity = 0; /* taken */
      socket->used = 0;
    }
    int whole = read_head(socket, bytes, count);
    if (whole < 0) return ARRIVED_WRONG;
    if (whole == 0) return ARRIVED_NOTHING;
    read_payload(socket, bytes, count);
    if (socket->read < socket->size) return ARRIVED_NOTHING;
    enum arrival arrival = is_control(socket) ? end_control(socket) : end_data(socket);
    socket->head_used = 0;
    if (arrival != ARRIVED_NOTHING) return arrival;
  }
}

void websocket_free(struct websocket *socket) {
  free(socket->message);
  socket->message = NULL;
  socket->capacity = socket->used = 0;
}

size_t websocket_head(uint8_t *head, enum opcode opcode, size_t size) {
  size_t count = size < SIZE_16 ? 0 : size <= UINT16_MAX ? 2 : 8;
  head[0] = (uint8_t)(0x80 | opcode);
  head[1] = (uint8_t)(count == 0 ? size : count == 2 ? SIZE_16 : SIZE_64);
  for (size_t i = 0; i < count; i++)
    head[SHORT_HEAD + i] = (uint8_t)((uint64_t)size >> 8 * (count - 1 - i));
  return SHORT_HEAD + count;
}
