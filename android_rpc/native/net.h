/* IPv4 sockets with deadlines; numeric addresses only, a phone needs no resolver here. */
#ifndef NATIVE_NET_H
#define NATIVE_NET_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

/* "127.0.0.1:9190" to an address; port 0 only if `port_zero`. 0, or -1. */
int parse_address(const char *text, int port_zero, struct sockaddr_in *address);

/* A listening socket; `address` then holds the port that was chosen. Or -1. */
int listen_on(struct sockaddr_in *address);

int connect_to(const struct sockaddr_in *address, int64_t deadline_ms);

/* The next waiting connection, non-blocking, or -1. */
int accept_connection(int listener);

/* All bytes before the deadline: 0. Closed, failed, too late or stopping: -1. */
int receive_all(int fd, void *bytes, size_t count, int64_t deadline_ms);
int send_all(int fd, const void *bytes, size_t count, int64_t deadline_ms);

/* Answers are small, and waited for: they are not held back to be joined. 0, or -1. */
int send_at_once(int fd);

#endif
