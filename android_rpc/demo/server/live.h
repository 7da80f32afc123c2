/* The WebSocket on which a browser gives orders and frames, and gets maps. */
#ifndef DEMO_LIVE_H
#define DEMO_LIVE_H

#include "server.h"

/* Answers the handshake; a second browser is told that the first is there. */
void live_begin(struct server *server, struct connection *connection,
                const struct request *request);

/* What has come on it: 0, or -1: end the connection. */
int live_take(struct server *server, struct connection *connection, const uint8_t *bytes,
              size_t count);

/* Sends results for as long as they go out at once: 0, or -1: end the connection. */
int live_pump(struct server *server);

/* Nothing has come for a while: 0 once it is asked, -1 where it was. */
int live_late(struct connection *connection);

/* The connection is at its end: where it was the live one, another may come. */
void live_end(struct server *server, struct connection *connection);

/* Tells the temperature when it is due: 0, or -1: end the connection. */
int live_temperature(struct server *server);

#endif
