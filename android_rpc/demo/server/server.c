#define _GNU_SOURCE
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "events.h"
#include "live.h"
#include "log.h"
#include "net.h"
#include "report.h"

/* As of the RPC server: who starts it tries another port after PORT_TAKEN. */
enum { CANNOT_START = 3, PORT_TAKEN = 4 };

static int watch(struct server *server, int operation, int fd, uint32_t events, void *who) {
  struct epoll_event event = {.events = events, .data = {.ptr = who}};
  return epoll_ctl(server->epoll, operation, fd, &event);
}

static int open_port(struct server *server) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons(server->options->port),
                                .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
  server->listener = listen_on(&address);
  if (server->listener < 0) {
    int taken = errno == EADDRINUSE;
    log_line("cannot listen on port %d: %s", server->options->port, strerror(errno));
    return taken ? PORT_TAKEN : CANNOT_START;
  }
  server->access.port = ntohs(address.sin_port);
  server->access.public_port = server->options->public_port;
  return 0;
}

int server_open(struct server *server, const struct options *options) {
  memset(server, 0, sizeof *server);
  server->options = options;
  server->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (server->epoll < 0 || access_begin(&server->access)) return CANNOT_START;
  if (uploads_open(options->work)) {
    log_line("cannot use the work folder %s: %s", options->work, strerror(errno));
    return CANNOT_START;
  }
  int failed = open_port(server);
  if (failed) return failed;
  packages_scan(&server->packages, options->packages);
  memcpy(server->worker.choices, options->choices, sizeof options->choices);
  server->worker.choice_count = options->choice_count;
  server->worker.focal = options->focal;
  if (compute_start(&server->worker.compute, worker_run) ||
      watch(server, EPOLL_CTL_ADD, server->listener, EPOLLIN, &server->listener) ||
      watch(server, EPOLL_CTL_ADD, server->worker.compute.wake, EPOLLIN | EPOLLET,
            &server->worker)) {
    log_line("cannot start: %s", strerror(errno));
    return CANNOT_START;
  }
  report_ready(server->access.port, server->access.token);
  return 0;
}

static struct connection *free_connection(struct server *server) {
  for (int i = 0; i < MAX_CONNECTIONS; i++)
    if (server->connections[i].stage == STAGE_FREE) return &server->connections[i];
  return NULL;
}

static void end(struct server *server, struct connection *connection) {
  watch(server, EPOLL_CTL_DEL, connection->fd, 0, NULL);
  connection_end(server, connection);
}

/* Those that find no place wait in the kernel's line, where they may be lost. */
static void watch_listener(struct server *server) {
  uint32_t events = free_connection(server) ? EPOLLIN : 0;
  watch(server, EPOLL_CTL_MOD, server->listener, events, &server->listener);
}

static void meet(struct server *server) {
  struct connection *connection = free_connection(server);
  int fd = connection ? accept_connection(server->listener) : -1;
  if (fd < 0) return;
  connection_begin(connection, fd);
  if (watch(server, EPOLL_CTL_ADD, fd, EPOLLIN, connection)) connection_end(server, connection);
}

/* Sends what it has to say, and watches for what it waits for. */
static void settle(struct server *server, struct connection *connection, int failed) {
  if (connection->stage == STAGE_FREE) return;
  if (failed || connection_writable(server, connection)) {
    end(server, connection);
    return;
  }
  uint32_t events = (connection->deaf ? 0 : EPOLLIN) | (connection->output.count ? EPOLLOUT : 0);
  watch(server, EPOLL_CTL_MOD, connection->fd, events, connection);
}

static void serve(struct server *server, const struct epoll_event *event) {
  if (event->data.ptr == &server->worker) {
    struct result none;
    if (server->live)
      settle(server, server->live, 0);
    else if (compute_take(&server->worker.compute, &none))
      result_free(&none);
  } else {
    struct connection *connection = event->data.ptr;
    if (connection->stage == STAGE_FREE) return; /* ended by an event before this one */
    int failed = event->events & (EPOLLERR | EPOLLHUP) ? -1 : 0;
    if (!failed && event->events & EPOLLIN) failed = connection_readable(server, connection);
    settle(server, connection, failed);
  }
}

static int64_t next_deadline(const struct server *server) {
  int64_t next = server->live ? server->temperature_due : NEVER;
  for (int i = 0; i < MAX_CONNECTIONS; i++) {
    const struct connection *connection = &server->connections[i];
    if (connection->stage != STAGE_FREE && connection->deadline < next)
      next = connection->deadline;
  }
  return next;
}

static void meet_deadlines(struct server *server) {
  int64_t now = now_ms();
  for (int i = 0; i < MAX_CONNECTIONS; i++) {
    struct connection *connection = &server->connections[i];
    if (connection->stage != STAGE_FREE && connection->deadline <= now)
      settle(server, connection, connection_late(connection));
  }
  if (server->live && server->temperature_due <= now)
    settle(server, server->live, live_temperature(server));
}

void server_run(struct server *server) {
  struct epoll_event events[MAX_CONNECTIONS + 2];
  for (;;) {
    enum event event = wait_event(server->epoll, POLLIN, next_deadline(server));
    if (event == EVENT_STOP) return;
    int count = epoll_wait(server->epoll, events, MAX_CONNECTIONS + 2, 0);
    int came = 0;
    for (int i = 0; i < count; i++) {
      if (events[i].data.ptr == &server->listener)
        came = 1;
      else
        serve(server, &events[i]);
    }
    meet_deadlines(server);
    if (came) meet(server); /* last: no event before is of the connection that begins */
    watch_listener(server);
  }
}

void server_close(struct server *server) {
  for (int i = 0; i < MAX_CONNECTIONS; i++)
    if (server->connections[i].stage != STAGE_FREE) end(server, &server->connections[i]);
  close(server->listener);
  close(server->epoll);
  uploads_close(server->options->work);
  /* a thread in the middle of a long run: the process ends around it */
  if (compute_end(&server->worker.compute)) _exit(0);
  packages_close(&server->packages);
}
