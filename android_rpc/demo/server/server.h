/* What the demo's server has: its options, packages, connections, and the thread that computes. */
#ifndef DEMO_SERVER_H
#define DEMO_SERVER_H

#include "access.h"
#include "connection.h"
#include "options.h"
#include "packages.h"
#include "worker.h"

enum { MAX_CONNECTIONS = 16 };

struct server {
  const struct options *options;
  struct access access;
  struct packages packages;
  struct worker worker;
  struct connection connections[MAX_CONNECTIONS];
  struct connection *live; /* the one that has the WebSocket, or NULL */
  int uploads;             /* how many have begun */
  int listener, epoll;
  int64_t temperature_due;
};

/* Opens packages, port and thread, and says on stdout that it is ready: 0, or an exit code. */
int server_open(struct server *server, const struct options *options);

/* Serves until the process is to stop. */
void server_run(struct server *server);

void server_close(struct server *server);

#endif
