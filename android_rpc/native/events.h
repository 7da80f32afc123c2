/*
 * The one place where a server waits.
 *
 * Every wait of the parent process also watches for the end of its standard
 * input (with --die-with-stdin), for SIGTERM, SIGINT and SIGHUP, and for the
 * end of a child, so that the server always stops at once. Nothing polls:
 * while a model is being timed the parent does not wake up. Who has many
 * connections waits for the descriptor of an epoll.
 */
#ifndef NATIVE_EVENTS_H
#define NATIVE_EVENTS_H

#include <stdint.h>

enum event { EVENT_READY, EVENT_TIMEOUT, EVENT_CHILD, EVENT_STOP };

#define NEVER INT64_MAX

/* Milliseconds of the monotonic clock. */
int64_t now_ms(void);

/* Call once, before any wait; blocks the signals that it reads. 0, or -1. */
int events_start(int stop_with_stdin);

/* In a forked child: closes what events_start opened, lets signals through; waits watch no more. */
void events_leave(void);

/*
 * Waits until `fd` (or -1) has one of the poll events in `interest`, hung up
 * or failed, until a child ended, until the deadline (a time of now_ms), or
 * until the server has to stop; after that, every wait says so at once.
 */
enum event wait_event(int fd, short interest, int64_t deadline_ms);

#endif
