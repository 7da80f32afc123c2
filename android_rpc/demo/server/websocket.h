/* The frames of a WebSocket (RFC 6455), as a server reads and writes them. */
#ifndef DEMO_WEBSOCKET_H
#define DEMO_WEBSOCKET_H

#include <stddef.h>
#include <stdint.h>

enum opcode {
  WEBSOCKET_CONTINUATION = 0,
  WEBSOCKET_TEXT = 1,
  WEBSOCKET_BINARY = 2,
  WEBSOCKET_CLOSE = 8,
  WEBSOCKET_PING = 9,
  WEBSOCKET_PONG = 10
};
enum close_code {
  CLOSE_NORMAL = 1000,
  CLOSE_GOING_AWAY = 1001,
  CLOSE_PROTOCOL_ERROR = 1002,
  CLOSE_NO_CODE = 1005, /* is never sent */
  CLOSE_NO_UTF8 = 1007,
  CLOSE_TOO_BIG = 1009,
  CLOSE_SERVER_ERROR = 1011,
  CLOSE_IN_USE = 4001
};
enum {
  MAX_CONTROL = 125,
  MAX_SENT_HEAD = 10,
  ACCEPT_SIZE = 29 /* with its zero */
};

struct websocket {
  size_t most_text, most_binary; /* bytes of a message */
  /* the frame that is being read */
  uint8_t head[14];
  size_t head_used;
  uint64_t size, read; /* of its payload */
  /* the message that its fragments make */
  enum opcode type; /* WEBSOCKET_CONTINUATION: none has begun */
  uint8_t *message; /* of malloc; who takes it sets NULL */
  size_t used, capacity;
  uint8_t control[MAX_CONTROL];
  uint16_t close_code; /* with which the peer closed, or is to be closed */
};

enum arrival {
  ARRIVED_NOTHING, /* all bytes are read */
  ARRIVED_TEXT,    /* `message`, `used` */
  ARRIVED_BINARY,
  ARRIVED_PING, /* `control`, `size` */
  ARRIVED_PONG,
  ARRIVED_CLOSE, /* `close_code` */
  ARRIVED_WRONG  /* what is not allowed: close with `close_code` */
};

/* Reads on until a message or a control frame is whole; `bytes` and `count` become the rest. */
enum arrival websocket_read(struct websocket *socket, const uint8_t **bytes, size_t *count);

/* Lets go of a message that is being read. */
void websocket_free(struct websocket *socket);

/* Writes the head of an unfragmented frame: its bytes, at most MAX_SENT_HEAD. */
size_t websocket_head(uint8_t *head, enum opcode opcode, size_t size);

/* What answers a Sec-WebSocket-Key: 0, or -1 where it is no key. */
int websocket_accept(const char *key, char accept[ACCEPT_SIZE]);

#endif
