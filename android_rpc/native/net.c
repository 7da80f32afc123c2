#define _GNU_SOURCE
#include "net.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "events.h"

enum { BACKLOG = 8 };

int parse_address(const char *text, int port_zero, struct sockaddr_in *address) {
  char host[INET_ADDRSTRLEN];
  const char *colon = strrchr(text, ':');
  char *end;
  if (!colon || (size_t)(colon - text) >= sizeof host) return -1;
  memcpy(host, text, (size_t)(colon - text));
  host[colon - text] = '\0';
  if (!isdigit((unsigned char)colon[1]) || strlen(colon + 1) > 5) return -1;
  long port = strtol(colon + 1, &end, 10);
  if (*end || port > 65535 || (port == 0 && !port_zero)) return -1;
  memset(address, 0, sizeof *address);
  address->sin_family = AF_INET;
  address->sin_port = htons((uint16_t)port);
  return inet_pton(AF_INET, host, &address->sin_addr) == 1 ? 0 : -1;
}

int listen_on(struct sockaddr_in *address) {
  int yes = 1;
  socklen_t length = sizeof *address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) ||
      bind(fd, (struct sockaddr *)address, sizeof *address) || listen(fd, BACKLOG) ||
      getsockname(fd, (struct sockaddr *)address, &length)) {
    int cause = errno;
    close(fd);
    errno = cause;
    return -1;
  }
  return fd;
}

int connect_to(const struct sockaddr_in *address, int64_t deadline_ms) {
  int failure = 0;
  socklen_t length = sizeof failure;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0) return fd;
  if (errno == EINPROGRESS && wait_event(fd, POLLOUT, deadline_ms) == EVENT_READY &&
      getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &length) == 0 && failure == 0)
    return fd;
  close(fd);
  return -1;
}

int accept_connection(int listener) {
  return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

int receive_all(int fd, void *bytes, size_t count, int64_t deadline_ms) {
  char *next = bytes;
  while (count) {
    ssize_t received = recv(fd, next, count, 0);
    if (received > 0) {
      next += received;
      count -= (size_t)received;
    } else if (received < 0 && errno == EAGAIN) {
      if (wait_event(fd, POLLIN, deadline_ms) != EVENT_READY) return -1;
    } else if (received == 0 || errno != EINTR) {
      return -1;
    }
  }
  return 0;
}

int send_all(int fd, const void *bytes, size_t count, int64_t deadline_ms) {
  const char *next = bytes;
  while (count) {
    ssize_t sent = send(fd, next, count, MSG_NOSIGNAL);
    if (sent >= 0) {
      next += sent;
      count -= (size_t)sent;
    } else if (errno == EAGAIN) {
      if (wait_event(fd, POLLOUT, deadline_ms) != EVENT_READY) return -1;
    } else if (errno != EINTR) {
      return -1;
    }
  }
  return 0;
}

int send_at_once(int fd) {
  int yes = 1;
  return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}
