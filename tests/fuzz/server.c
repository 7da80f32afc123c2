/*
 * One input for the functions of the phone's server that read what others send.
 *
 * The first byte chooses who sends: a client, the tracker, whoever writes the command line, or the
 * kernel that tells of the machine.
 * Bytes for sockets come through a socket, all of them before the first is read. Beside what the
 * sanitizers see, the server's own promises are checked.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cpu_list.h"
#include "cpuinfo.h"
#include "handshake.h"
#include "log.h"
#include "net.h"
#include "options.h"
#include "platform.h"
#include "requests.h"
#include "tracker.h"
#include "workspace.h"

enum { MAX_TEXT = 4096, CHUNK = 4096 };

static const char KEY[] = "phone", MATCH_KEY[] = "phone:1f";

/* The server's own writes to stderr. */
void log_line(const char *format, ...) {
  char line[MAX_TEXT];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
}

static void promise(int kept) {
  if (!kept) abort();
}

/* The server's end of a connection on which `bytes` wait, and nothing comes after them. */
static int connection(const uint8_t *bytes, size_t size, int ends[2]) {
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends)) abort();
  int whole = send(ends[1], bytes, size, 0) == (ssize_t)size;
  shutdown(ends[1], SHUT_WR);
  return whole;
}

static void hang_up(const int ends[2]) {
  close(ends[0]);
  close(ends[1]);
}

static void receive_requests(int fd) {
  char bytes[CHUNK];
  struct requests requests;
  requests_begin(&requests, fd, 1);
  for (size_t capacity = 8, received;; capacity = CHUNK) {
    received = requests_receive(&requests, bytes, capacity);
    promise(received <= capacity && requests.used <= requests.ready);
    promise(requests.ready <= sizeof requests.head && requests.left < MAX_REQUEST);
    if (!received) break;
    promise(requests.started);
  }
}

/* From the first byte of a connection, or after a handshake. */
static void a_client(const uint8_t *bytes, size_t size, int shaken) {
  int ends[2];
  double limit_s = 0, hold_s = 0;
  if (connection(bytes, size, ends) &&
      (shaken || shake_hands(ends[0], KEY, MATCH_KEY, &limit_s, &hold_s) == 0)) {
    promise(isfinite(limit_s) && limit_s >= 0);
    promise(hold_s >= 0 && hold_s <= MAX_HOLD_S);
    receive_requests(ends[0]);
  }
  hang_up(ends);
}

static void the_tracker(const uint8_t *bytes, size_t size) {
  int ends[2];
  char match_key[MATCH_KEY_SIZE];
  struct sockaddr_in address;
  parse_address("127.0.0.1:9190", 0, &address);
  if (connection(bytes, size, ends) && !tracker_offer(ends[0], KEY, &address, match_key))
    tracker_offer_waits(ends[0], MATCH_KEY);
  hang_up(ends);
}

static void a_cpu_list(const char *text) {
  cpu_set_t cpus, again;
  char written[8192];
  if (parse_cpu_list(text, &cpus)) return;
  promise(CPU_COUNT(&cpus) > 0 && format_cpu_list(&cpus, written, sizeof written) > 0);
  promise(parse_cpu_list(written, &again) == 0 && CPU_EQUAL(&cpus, &again));
}

static void a_machine(const uint8_t *bytes, size_t size, const char *text) {
  static struct cpu cpus[CPU_SETSIZE];
  char written[1 << 14];
  size_t count = parse_cpuinfo(text, cpus);
  promise(count <= CPU_SETSIZE && format_cpus(cpus, count, written, sizeof written) >= 0);
  for (size_t i = 0; i < count; i++) promise(cpus[i].number >= 0 && cpus[i].number < CPU_SETSIZE);
  promise(elf_machine(bytes, size) <= UINT16_MAX);
  names_virtual_machine((const char *)bytes, size);
}

static void a_command_line(char *text) {
  char program[] = "rpc_server", *words[16] = {program}, *rest = NULL;
  int count = 1;
  struct options options;
  for (char *word = strtok_r(text, "\n", &rest); word && count < 16;
       word = strtok_r(NULL, "\n", &rest))
    words[count++] = word;
  if (parse_options(count, words, &options)) return;
  promise(valid_key(options.key) && *options.work && options.threads >= 0);
  promise(!options.pinned || CPU_COUNT(&options.cpus) > 0);
  promise(options.session_limit_s >= 0 && options.idle_limit_s > 0);
}

static char root[PATH_MAX], session[PATH_MAX];

static void leave_workspace(void) {
  workspace_end_session();
  workspace_close();
}

/* A session's folder with folders, a link out of it and one that leads nowhere. */
static void enter_workspace(void) {
  char work[] = "workspace-XXXXXX";
  if (!mkdtemp(work) || workspace_open(work) || workspace_begin_session()) abort();
  atexit(leave_workspace);
  if (workspace_path("..", WHOLE_WORKSPACE, root)) abort();
  if (workspace_path(".", SESSION_FOLDER, session)) abort();
  int folder = open(session, O_DIRECTORY | O_CLOEXEC);
  if (mkdirat(folder, "folder", 0700) || mkdirat(folder, "folder/model", 0700)) abort();
  if (symlinkat("/etc", folder, "out") || symlinkat("/nowhere/x", folder, "dangling")) abort();
  close(folder);
}

static void a_path(const char *name) {
  static const enum workspace_part parts[] = {SESSION_FOLDER, WHOLE_WORKSPACE};
  char path[PATH_MAX], real[PATH_MAX];
  if (!session[0]) enter_workspace();
  for (int i = 0; i < 2; i++) {
    const char *folder = parts[i] == SESSION_FOLDER ? session : root;
    size_t length = strlen(folder);
    if (workspace_path(name, parts[i], path)) continue;
    promise(!strncmp(path, folder, length) && (path[length] == '/' || !path[length]));
    promise(!strstr(path, "/../") && (!realpath(path, real) || !strcmp(path, real)));
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  char text[MAX_TEXT];
  struct sockaddr_in address;
  if (size < 1 || size > sizeof text) return 0;
  uint8_t sender = *bytes++;
  memcpy(text, bytes, --size);
  text[size] = '\0';
  switch (sender) {
    case 'h': a_client(bytes, size, 0); break;
    case 'r': a_client(bytes, size, 1); break;
    case 't': the_tracker(bytes, size); break;
    case 'c': a_cpu_list(text); break;
    case 'a': parse_address(text, size % 2, &address); break;
    case 'o': a_command_line(text); break;
    case 'p': a_path(text); break;
    case 'm': a_machine(bytes, size, text); break;
    default: break;
  }
  return 0;
}
