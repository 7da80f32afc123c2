/*
 * One connection, from its first byte to its last.
 *
 * A request's head comes first; then its answer, or the body of an upload and its answer, or a
 * WebSocket. At the end what still comes is read and thrown away for a moment, as an answer is
 * lost when a socket closes with bytes unread.
 */
#ifndef DEMO_CONNECTION_H
#define DEMO_CONNECTION_H

#include <stdint.h>

#include "http.h"
#include "output.h"
#include "upload.h"
#include "websocket.h"

struct server;

enum stage { STAGE_FREE, STAGE_HEAD, STAGE_UPLOAD, STAGE_LIVE, STAGE_ENDING };

struct connection {
  enum stage stage;
  int fd;
  int64_t deadline;  /* of now_ms: until then something must come of it */
  int deaf;          /* nothing more will come */
  int shut;          /* ending, and all is sent */
  char head[MAX_HEAD + 1];
  size_t head_used;
  struct upload upload;
  struct websocket websocket;
  int pinged; /* and nothing has come since */
  struct output output;
};

void connection_begin(struct connection *connection, int fd);

/* Closes it, and gives back all that it holds. */
void connection_end(struct server *server, struct connection *connection);

/* Reads what has come, and answers: 0, or -1: end it. */
int connection_readable(struct server *server, struct connection *connection);

/* What `connection_readable` does with bytes that have come. */
int connection_take(struct server *server, struct connection *connection, const char *bytes,
                    size_t count);

/* Sends what can be sent: 0, or -1: end it. */
int connection_writable(struct server *server, struct connection *connection);

/* Its deadline has passed: 0 where it may go on, or -1: end it. */
int connection_late(struct connection *connection);

/* Answers a request, and ends the connection after it. */
void connection_answer(struct connection *connection, int status, const char *type,
                       struct buffer *body);

/* Answers with {"error": code, "message": ...}. */
void connection_refuse(struct connection *connection, int status, const char *code,
                       const char *why);

/* Goes on to the end once all is sent. */
void connection_finish(struct connection *connection);

#endif
