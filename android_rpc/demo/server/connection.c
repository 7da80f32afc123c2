#define _GNU_SOURCE
#include "connection.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "events.h"
#include "live.h"
#include "requests.h"
#include "server.h"

enum { HEAD_MS = 10000, STALL_MS = 15000, DRAIN_MS = 5000, CHUNK = 1 << 17 };

/* What one recv brings; the connections share it, one thread serves them. */
static char chunk[CHUNK];

void connection_begin(struct connection *connection, int fd) {
  memset(connection, 0, sizeof *connection);
  connection->stage = STAGE_HEAD;
  connection->fd = fd;
  connection->upload.fd = -1;
  connection->deadline = now_ms() + HEAD_MS;
}

void connection_end(struct server *server, struct connection *connection) {
  live_end(server, connection);
  upload_abandon(&connection->upload);
  websocket_free(&connection->websocket);
  output_free(&connection->output);
  close(connection->fd);
  connection->stage = STAGE_FREE;
}

void connection_finish(struct connection *connection) {
  connection->stage = STAGE_ENDING;
  connection->deadline = now_ms() + STALL_MS;
}

void connection_answer(struct connection *connection, int status, const char *type,
                       struct buffer *body) {
  struct buffer head = buffer_of(MAX_HEAD);
  buffer_print(&head, "HTTP/1.1 %d %s\r\n", status, http_reason(status));
  buffer_print(&head, "Content-Type: %s\r\nContent-Length: %zu\r\n", type, body->used);
  buffer_print(&head, "%s", "Connection: close\r\nCache-Control: no-store\r\n");
  buffer_print(&head, "%s",
               "Content-Security-Policy: default-src 'self'; img-src 'self' blob: data:; "
               "media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; "
               "frame-ancestors 'none'\r\n");
  buffer_print(&head, "%s",
               "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
               "Cross-Origin-Opener-Policy: same-origin\r\n"
               "Cross-Origin-Resource-Policy: same-origin\r\n\r\n");
  int failed = output_add(&connection->output, &head);
  if (output_add(&connection->output, body) || failed) output_free(&connection->output);
  connection_finish(connection);
}

void connection_refuse(struct connection *connection, int status, const char *code,
                       const char *why) {
  struct buffer body = buffer_of(MAX_HEAD);
  buffer_print(&body, "{\"error\":\"%s\",\"message\":", code);
  buffer_add_string(&body, why);
  buffer_print(&body, "}");
  connection_answer(connection, status, "application/json", &body);
}

static void refuse_head(struct connection *connection, int status) {
  connection_refuse(connection, status, "bad_request", http_reason(status));
}

/* Bytes of a head; what follows it is given on. */
static int read_head(struct server *server, struct connection *connection, const char *bytes,
                     size_t count) {
  struct request request;
  size_t room = MAX_HEAD - connection->head_used, taken = count < room ? count : room;
  memcpy(connection->head + connection->head_used, bytes, taken);
  size_t before = connection->head_used;
  connection->head_used += taken;
  size_t size = http_head_size(connection->head, connection->head_used);
  if (!size) {
    if (connection->head_used == MAX_HEAD) refuse_head(connection, 431);
    return 0;
  }
  size_t used = size - before;
  int status = http_parse(connection->head, size, &request);
  if (status)
    refuse_head(connection, status);
  else
    answer_request(server, connection, &request);
  return connection_take(server, connection, bytes + used, count - used);
}

int connection_take(struct server *server, struct connection *connection, const char *bytes,
                    size_t count) {
  switch (count ? connection->stage : STAGE_ENDING) {
    case STAGE_HEAD: return read_head(server, connection, bytes, count);
    case STAGE_UPLOAD:
      connection->deadline = now_ms() + STALL_MS;
      return continue_upload(server, connection, bytes, count);
    case STAGE_LIVE: return live_take(server, connection, (const uint8_t *)bytes, count);
    default: return 0;
  }
}

int connection_readable(struct server *server, struct connection *connection) {
  ssize_t received = recv(connection->fd, chunk, sizeof chunk, 0);
  if (received < 0) return errno == EAGAIN || errno == EINTR ? 0 : -1;
  if (received == 0) {
    connection->deaf = 1;
    return connection->stage == STAGE_ENDING && !connection->shut ? 0 : -1;
  }
  return connection_take(server, connection, chunk, (size_t)received);
}

int connection_writable(struct server *server, struct connection *connection) {
  int waiting = connection->output.count;
  size_t sent = connection->output.sent;
  int all = output_send(&connection->output, connection->fd);
  if (all < 0) return -1;
  if (!connection->shut && (waiting != connection->output.count || sent != connection->output.sent))
    connection->deadline = now_ms() + STALL_MS;
  if (all && connection->stage == STAGE_LIVE) return live_pump(server);
  if (all && connection->stage == STAGE_ENDING && !connection->shut) {
    connection->shut = 1;
    connection->deadline = now_ms() + DRAIN_MS;
    return connection->deaf || shutdown(connection->fd, SHUT_WR) ? -1 : 0;
  }
  return 0;
}

int connection_late(struct connection *connection) {
  return connection->stage == STAGE_LIVE ? live_late(connection) : -1;
}
