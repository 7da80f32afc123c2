#define _GNU_SOURCE
#include "live.h"

#include <string.h>

#include "events.h"
#include "net.h"
#include "report.h"
#include "temperature.h"

enum { QUIET_MS = 20000, ANSWER_MS = 10000, TEMPERATURE_MS = 2000, MAX_MESSAGE = 1024 };

static int send_message(struct connection *connection, enum opcode type, struct buffer *message) {
  struct buffer head = buffer_of(MAX_SENT_HEAD);
  uint8_t bytes[MAX_SENT_HEAD];
  if (message->failed) {
    buffer_free(message);
    return -1;
  }
  buffer_add(&head, bytes, websocket_head(bytes, type, message->used));
  if (!output_add(&connection->output, &head)) return output_add(&connection->output, message);
  buffer_free(message);
  return -1;
}

static int send_control(struct connection *connection, enum opcode type, const uint8_t *bytes,
                        size_t size) {
  struct buffer message = buffer_of(MAX_CONTROL);
  buffer_add(&message, bytes, size);
  return send_message(connection, type, &message);
}

static int send_error(struct connection *connection, const char *code, const char *why) {
  struct buffer message = buffer_of(MAX_MESSAGE);
  buffer_print(&message, "{\"type\":\"error\",\"code\":\"%s\",\"message\":", code);
  buffer_add_string(&message, why);
  buffer_print(&message, "}");
  return send_message(connection, WEBSOCKET_TEXT, &message);
}

/* Says why, and takes nothing more. */
static int close_with(struct server *server, struct connection *connection, uint16_t code) {
  const uint8_t bytes[] = {(uint8_t)(code >> 8), (uint8_t)code};
  live_end(server, connection);
  int failed = send_control(connection, WEBSOCKET_CLOSE, bytes, code == CLOSE_NO_CODE ? 0 : 2);
  connection_finish(connection);
  return failed;
}

static int is_handshake(const struct request *request) {
  return request->upgrade && http_lists(request->upgrade, "websocket") && request->connection &&
         http_lists(request->connection, "upgrade") && request->websocket_version &&
         request->websocket_key;
}

void live_begin(struct server *server, struct connection *connection,
                const struct request *request) {
  char accept[ACCEPT_SIZE];
  struct buffer head = buffer_of(MAX_HEAD);
  if (!is_handshake(request) || websocket_accept(request->websocket_key, accept)) {
    connection_refuse(connection, 400, "no_websocket", "this is a WebSocket");
    return;
  }
  if (strcmp(request->websocket_version, "13")) {
    connection_refuse(connection, 426, "no_websocket", "this is a WebSocket of version 13");
    return;
  }
  buffer_print(&head, "HTTP/1.1 101 %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
               http_reason(101));
  buffer_print(&head, "Sec-WebSocket-Accept: %s\r\n\r\n", accept);
  output_add(&connection->output, &head);
  send_at_once(connection->fd);
  if (server->live) {
    close_with(server, connection, CLOSE_IN_USE);
    return;
  }
  connection->stage = STAGE_LIVE;
  connection->deadline = now_ms() + QUIET_MS;
  connection->websocket = (struct websocket){.most_text = MAX_ORDER, .most_binary = MAX_FRAME};
  server->live = connection;
  server->temperature_due = now_ms();
  compute_begin_session(&server->worker.compute);
  report_browser(1);
}

void live_end(struct server *server, struct connection *connection) {
  if (server->live != connection) return;
  server->live = NULL;
  compute_begin_session(&server->worker.compute);
  report_browser(0);
}

static int take_order(struct server *server, struct connection *connection) {
  struct compute *compute = &server->worker.compute;
  struct websocket *websocket = &connection->websocket;
  const struct package *package = NULL;
  struct order order;
  if (parse_order((const char *)websocket->message, websocket->used, &order))
    return send_error(connection, "bad_message", "no message that is known");
  if (order.kind == ORDER_LOAD && !(package = packages_find(&server->packages, order.package)))
    return send_error(connection, "unknown_package", "there is no such package");
  if (compute_order(compute, &order, package))
    return send_error(connection, "busy", "too many messages wait");
  return 0;
}

static int take_frame(struct server *server, struct connection *connection) {
  struct websocket *websocket = &connection->websocket;
  struct frame_head head;
  if (parse_frame(websocket->message, websocket->used, &head))
    return send_error(connection, "bad_frame", "no frame, or not all of it");
  compute_frame(&server->worker.compute, head, websocket->message);
  websocket->message = NULL;
  return 0;
}

/* What has arrived: 0; 1: nothing more is taken; -1: end the connection. */
static int take(struct server *server, struct connection *connection, enum arrival arrival) {
  struct websocket *websocket = &connection->websocket;
  switch (arrival) {
    case ARRIVED_TEXT: return take_order(server, connection);
    case ARRIVED_BINARY: return take_frame(server, connection);
    case ARRIVED_PING:
      return send_control(connection, WEBSOCKET_PONG, websocket->control,
                          (size_t)websocket->size);
    case ARRIVED_CLOSE:
    case ARRIVED_WRONG:
      return close_with(server, connection, websocket->close_code) ? -1 : 1;
    default: return 0;
  }
}

int live_take(struct server *server, struct connection *connection, const uint8_t *bytes,
              size_t count) {
  enum arrival arrival;
  int taken = 0;
  /* who sends and does not read is as good as silent */
  if (!connection->output.count) connection->deadline = now_ms() + QUIET_MS;
  connection->pinged = 0;
  do {
    arrival = websocket_read(&connection->websocket, &bytes, &count);
    taken = take(server, connection, arrival);
  } while (!taken && arrival != ARRIVED_NOTHING);
  return taken < 0 ? -1 : 0;
}

int live_pump(struct server *server) {
  struct result result;
  struct connection *connection = server->live;
  while (connection && !connection->output.count &&
         compute_take(&server->worker.compute, &result)) {
    if (result.event.used) report_line(&result.event);
    buffer_free(&result.event);
    if (send_message(connection, result.type, &result.bytes)) return -1;
    if (output_send(&connection->output, connection->fd) < 0) return -1;
  }
  return 0;
}

int live_late(struct connection *connection) {
  if (connection->pinged || connection->output.count) return -1;
  connection->pinged = 1;
  connection->deadline = now_ms() + ANSWER_MS;
  return send_control(connection, WEBSOCKET_PING, NULL, 0);
}

int live_temperature(struct server *server) {
  const struct options *options = server->options;
  struct connection *connection = server->live;
  struct buffer message = buffer_of(MAX_MESSAGE);
  double celsius;
  server->temperature_due = now_ms() + TEMPERATURE_MS;
  if (!connection || connection->output.count ||
      read_temperature(options->zones, options->zone_count, &celsius))
    return 0;
  buffer_print(&message, "{\"type\":\"temperature\",\"celsius\":%.1f}", celsius);
  return send_message(connection, WEBSOCKET_TEXT, &message);
}
