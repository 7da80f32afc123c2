#define _GNU_SOURCE
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "events.h"
#include "log.h"
#include "net.h"
#include "remote_functions.h"
#include "runtime.h"
#include "workspace.h"

enum { LEAVE_MS = 2000, FAILED = 3 };

/* Must come before the runtime is loaded: it starts its threads from these. */
static int place_threads(const struct options *options) {
  char count[16];
  int threads = options->threads;
  /* else the runtime's thread pool moves its threads to CPUs of its own choice */
  setenv("TVM_BIND_THREADS", "0", 1);
  /* about a millisecond: awake from one kernel to the next, but not long after an inference */
  setenv("TVM_THREAD_POOL_SPIN_COUNT", "2000", 1);
  if (options->pinned) {
    if (sched_setaffinity(0, sizeof options->cpus, &options->cpus)) {
      log_line("cannot run on the chosen CPUs: %s", strerror(errno));
      return -1;
    }
    if (!threads) threads = CPU_COUNT(&options->cpus);
  }
  if (threads) {
    snprintf(count, sizeof count, "%d", threads);
    setenv("TVM_NUM_THREADS", count, 1);
  }
  return 0;
}

static void leave_parent(int client, pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(FAILED); /* the parent died before the line above */
  events_leave();
  int nothing = open("/dev/null", O_RDONLY);
  if (nothing >= 0) dup2(nothing, STDIN_FILENO);
  /* the listener, the tracker and other descriptors are the parent's */
  for (int fd = STDERR_FILENO + 1; fd < 64; fd++)
    if (fd != client) close(fd);
}

static void run_session(int client, pid_t parent, const struct options *options) {
  int64_t started = now_ms();
  leave_parent(client, parent);
  if (send_at_once(client) || place_threads(options) || runtime_load(options->extras))
    _exit(FAILED);
  if (register_remote_functions()) {
    runtime_log_error("registration of the server's functions");
    _exit(FAILED);
  }
  log_line("session=ready ms=%d", (int)(now_ms() - started));
  if (serve_channel(client, options->idle_limit_s)) {
    runtime_log_error("session");
    _exit(FAILED);
  }
  _exit(0);
}

/* Who started the server reads this and the line of a session that is ready. */
static void log_end(int status) {
  if (WIFSIGNALED(status))
    log_line("session=ended signal=%d", WTERMSIG(status));
  else
    log_line("session=ended code=%d", WEXITSTATUS(status));
}

static void watch_session(pid_t child, int client, double limit_s) {
  int status = 0;
  int64_t deadline = limit_s > 0 ? now_ms() + (int64_t)(limit_s * 1000) : NEVER;
  for (;;) {
    enum event event = wait_event(client, POLLRDHUP, deadline);
    if (event == EVENT_CHILD && waitpid(child, &status, WNOHANG) == child) break;
    if (event == EVENT_READY) {
      /* The client is gone. A child that is waiting for it sees that itself;
         one that is in the middle of a long run does not. */
      client = -1;
      if (deadline > now_ms() + LEAVE_MS) deadline = now_ms() + LEAVE_MS;
    } else if (event == EVENT_TIMEOUT) {
      log_line(client < 0 ? "session goes on without its client: ending it"
                          : "session reached its time limit: ending it");
      kill(-child, SIGKILL);
      deadline = NEVER;
    } else if (event == EVENT_STOP) {
      kill(-child, SIGKILL);
      while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
      break;
    }
  }
  kill(-child, SIGKILL); /* processes that the session itself started */
  log_end(status);
}

void serve_session(int fd, double limit_s, const struct options *options) {
  pid_t parent = getpid();
  if (options->session_limit_s > 0 && (limit_s == 0 || limit_s > options->session_limit_s))
    limit_s = options->session_limit_s;
  if (workspace_begin_session()) {
    log_line("cannot make the session's folder: %s", strerror(errno));
    return;
  }
  pid_t child = fork();
  if (child == 0) run_session(fd, parent, options);
  if (child < 0) {
    log_line("cannot fork: %s", strerror(errno));
  } else {
    setpgid(child, child); /* as the child does: whoever comes first */
    watch_session(child, fd, limit_s);
  }
  workspace_end_session();
}
