#define _GNU_SOURCE
#include "events.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

static int signals_fd = -1;
static int watch_stdin;
static int stopping;

int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int events_start(int stop_with_stdin) {
  sigset_t watched;
  watch_stdin = stop_with_stdin;
  signal(SIGPIPE, SIG_IGN);
  sigemptyset(&watched);
  sigaddset(&watched, SIGCHLD);
  sigaddset(&watched, SIGTERM);
  sigaddset(&watched, SIGINT);
  sigaddset(&watched, SIGHUP);
  if (sigprocmask(SIG_BLOCK, &watched, NULL)) return -1;
  signals_fd = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
  return signals_fd < 0 ? -1 : 0;
}

void events_leave(void) {
  sigset_t none;
  close(signals_fd);
  signals_fd = -1;
  watch_stdin = 0;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Reads all pending signals: 1 when a child ended among them. */
static int take_signals(void) {
  struct signalfd_siginfo info;
  int child_ended = 0;
  while (read(signals_fd, &info, sizeof info) == (ssize_t)sizeof info) {
    if (info.ssi_signo == SIGCHLD) {
      child_ended = 1;
    } else {
      log_line("stopping on signal %u", info.ssi_signo);
      stopping = 1;
    }
  }
  return child_ended;
}

static void take_stdin(short happened) {
  char ignored[256];
  ssize_t count = happened & POLLIN ? read(STDIN_FILENO, ignored, sizeof ignored) : 0;
  if (count > 0 || (count < 0 && (errno == EINTR || errno == EAGAIN))) return;
  log_line("stopping: standard input is closed");
  stopping = 1;
}

enum event wait_event(int fd, short interest, int64_t deadline_ms) {
  /* poll ignores entries whose descriptor is negative */
  struct pollfd watched[3] = {{fd, interest, 0},
                              {signals_fd, POLLIN, 0},
                              {watch_stdin ? STDIN_FILENO : -1, POLLIN, 0}};
  while (!stopping) {
    int64_t left = deadline_ms == NEVER ? -1 : deadline_ms - now_ms();
    if (deadline_ms != NEVER && left < 0) left = 0;
    if (left > INT_MAX) left = INT_MAX;
    int ready = poll(watched, 3, (int)left);
    if (ready < 0 && errno != EINTR) {
      log_line("stopping: cannot wait for events");
      stopping = 1;
    }
    if (ready < 0) continue;
    int child_ended = watched[1].revents ? take_signals() : 0;
    if (watched[2].revents) take_stdin(watched[2].revents);
    if (stopping) break;
    if (child_ended) return EVENT_CHILD;
    if (watched[0].revents) return EVENT_READY;
    if (deadline_ms != NEVER && now_ms() >= deadline_ms) return EVENT_TIMEOUT;
  }
  return EVENT_STOP;
}
