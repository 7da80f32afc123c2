/*
 * One input for the functions of the demo's server that read what browsers send.
 *
 * The first byte chooses what it is: the head of a request, frames of a WebSocket, JSON, a camera
 * frame, the head of a library, an option, or all that comes on a connection. A `T` at the place
 * of the token stands for it. Beside what the sanitizers see, the server's promises are checked.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connection.h"
#include "elf_check.h"
#include "json.h"
#include "message.h"
#include "report.h"
#include "server.h"
#include "temperature.h"
#include "utf8.h"

enum { MAX_SEED = 1 << 14, MAX_PART = 97 };

void log_line(const char *format, ...) {
  char line[MAX_SEED];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
}

/* No library is loaded, and nothing is printed. */
int package_open(struct package *package, const char *path, char why[MAX_WHY]) {
  memset(package, 0, sizeof *package);
  snprintf(why, MAX_WHY, "%d", elf_check(path));
  return -1;
}
void package_close(struct package *package) { package->handle = NULL; }
void package_describe(const struct package *package, struct buffer *json) {
  buffer_add_string(json, package->id);
}
void report_ready(uint16_t port, const char *token) { (void)port, (void)token; }
void report_browser(int here) { (void)here; }
void report_line(const struct buffer *line) { (void)line; }

static void promise(int kept) {
  if (!kept) abort();
}

static void a_head(const char *text, size_t size) {
  char head[MAX_HEAD + 1];
  struct request request;
  size_t whole = http_head_size(text, size);
  if (!whole || whole > MAX_HEAD) return;
  memcpy(head, text, whole);
  if (http_parse(head, whole, &request)) return;
  promise(request.host && *request.path == '/' && request.body_size >= -1);
  if (request.connection) http_lists(request.connection, "upgrade");
  char accept[ACCEPT_SIZE];
  if (request.websocket_key && !websocket_accept(request.websocket_key, accept))
    promise(strlen(accept) == ACCEPT_SIZE - 1);
}

static void some_frames(const uint8_t *bytes, size_t size) {
  struct websocket socket = {.most_text = 300, .most_binary = 900};
  size_t part = size ? bytes[0] % MAX_PART + 1 : 1;
  for (int open = 1; open && size;) {
    const uint8_t *next = bytes;
    size_t now = part < size ? part : size, left = now;
    enum arrival arrival;
    do {
      arrival = websocket_read(&socket, &next, &left);
      promise(left <= now && next == bytes + (now - left));
      if (arrival == ARRIVED_TEXT)
        promise(socket.used <= 300 && utf8_valid(socket.message, socket.used));
      if (arrival == ARRIVED_BINARY) promise(socket.used <= 900);
      if (arrival == ARRIVED_PING) promise(socket.size <= MAX_CONTROL);
      open = arrival != ARRIVED_WRONG && arrival != ARRIVED_CLOSE;
    } while (open && arrival != ARRIVED_NOTHING);
    promise(!open || left == 0);
    bytes += now;
    size -= now;
  }
  websocket_free(&socket);
}

static void some_json(const char *text, size_t size) {
  struct json value, part;
  struct order order;
  char string[64];
  int32_t number;
  if (!parse_order(text, size, &order)) {
    promise(order.cpu_count >= 0 && order.cpu_count <= MAX_THREADS);
    promise(order.threads >= 0 && order.threads <= MAX_THREADS && order.warm_up <= MAX_WARM_UP);
    promise(order.kind != ORDER_BENCHMARK || (order.runs >= 1 && order.runs <= MAX_RUNS));
  }
  if (json_read(text, size, &value)) return;
  promise(value.text >= text && value.end <= text + size && value.text < value.end);
  if (!json_string(value, string, sizeof string)) {
    struct buffer again = buffer_of(1024);
    char back[64];
    buffer_add_string(&again, string);
    promise(!again.failed && !json_read(again.bytes, again.used, &part) &&
            !json_string(part, back, sizeof back) && !strcmp(back, string));
    buffer_free(&again);
  }
  if (!json_integer(value, -9, 9, &number)) promise(number >= -9 && number <= 9);
  for (size_t i = 0; !json_item(value, i, &part); i++) promise(part.end <= value.end);
  if (!json_member(value, "type", &part)) promise(part.text > value.text && part.end < value.end);
}

static void a_frame(const uint8_t *bytes, size_t size) {
  struct frame_head head;
  if (parse_frame(bytes, size, &head)) return;
  promise(size == FRAME_HEAD + (size_t)head.width * head.height * 4 && head.rotation % 90 == 0);
}

static void a_library(const uint8_t *bytes, size_t size) {
  uint64_t place;
  if (size < ELF_HEAD) return;
  int count = elf_segments(bytes, size, &place);
  if (count < 0) return;
  promise(place <= size && (uint64_t)count * SEGMENT_SIZE <= size - place);
  elf_segments_fit(bytes + place, count, size);
}

static void options_and_sensors(char *text) {
  char program[] = "demo_server", *words[16] = {program}, *rest = NULL;
  int count = 1;
  struct options options;
  double celsius;
  if (!parse_temperature(text, &celsius)) promise(celsius > -40 && celsius < 125);
  for (char *word = strtok_r(text, "\n", &rest); word && count < 16;
       word = strtok_r(NULL, "\n", &rest))
    words[count++] = word;
  if (!parse_options(count, words, &options)) {
    promise(options.page && options.packages && options.work && *options.device == '{');
    for (int i = 0; i < options.choice_count; i++)
      promise(options.choices[i].count == options.choices[i].threads);
  }
}

static void *nothing(void *compute) {
  (void)compute;
  return NULL;
}

static char page[] = "page-XXXXXX", work[32], index_file[32];

static void remove_folder(void) {
  uploads_close(work);
  unlink(index_file);
  rmdir(page);
}

static struct server *open_server(void) {
  static struct server server;
  static struct options options;
  if (server.options) return &server;
  if (!mkdtemp(page) || compute_start(&server.worker.compute, nothing)) abort();
  snprintf(work, sizeof work, "%s/uploads", page);
  snprintf(index_file, sizeof index_file, "%s/index.html", page);
  if (uploads_open(work)) abort();
  atexit(remove_folder);
  int file = open(index_file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (write(file, "<!doctype html>", 15) != 15 || close(file)) abort();
  options = (struct options){.page = page, .work = work, .device = "{}"};
  server.options = &options;
  server.access = (struct access){.port = 8080};
  memset(server.access.token, 'T', TOKEN_DIGITS);
  return &server;
}

/* What the server sends is read and thrown away. */
static void drain(int fd) {
  static char ignored[1 << 16];
  while (recv(fd, ignored, sizeof ignored, 0) > 0) continue;
}

static void a_connection(const char *bytes, size_t size) {
  int ends[2], failed = 0;
  static struct connection connection, other;
  struct server *server = open_server();
  struct result result;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends)) abort();
  size_t part = size ? (unsigned char)bytes[size - 1] % MAX_PART + 1 : 1;
  connection_begin(&connection, ends[0]);
  server->live = size % 7 ? NULL : &other; /* at times another browser is there */
  while (size && !failed) {
    size_t now = part < size ? part : size;
    failed = connection_take(server, &connection, bytes, now) ||
             connection_writable(server, &connection);
    promise(connection.head_used <= MAX_HEAD && connection.output.count <= MAX_WAITING);
    promise(connection.stage != STAGE_LIVE || server->live == &connection);
    drain(ends[1]);
    bytes += now;
    size -= now;
  }
  connection_late(&connection);
  connection_end(server, &connection);
  promise(server->live != &connection);
  server->live = NULL;
  compute_begin_session(&server->worker.compute);
  if (compute_take(&server->worker.compute, &result)) result_free(&result);
  close(ends[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static char text[MAX_SEED + 1];
  if (size < 1 || size > MAX_SEED) return 0;
  uint8_t kind = *bytes++;
  memcpy(text, bytes, --size);
  text[size] = '\0';
  switch (kind) {
    case 'h': a_head(text, size); break;
    case 'w': some_frames(bytes, size); break;
    case 'j': some_json(text, size); break;
    case 'f': a_frame(bytes, size); break;
    case 'e': a_library(bytes, size); break;
    case 'o': options_and_sensors(text); break;
    case 'c': a_connection(text, size); break;
    default: break;
  }
  return 0;
}
