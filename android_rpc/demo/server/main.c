/*
 * The demo's server: one page on the device's loopback, and depth computed beside it.
 *
 * It loads packaged networks (depth.h), serves the files of a page to one browser, takes camera
 * frames from it over a WebSocket and sends maps back. It ends when its standard input does.
 * What happens is told on standard output, one JSON object a line.
 */
#include <errno.h>
#include <string.h>

#include "events.h"
#include "log.h"
#include "server.h"

enum { USAGE_ERROR = 2, CANNOT_START = 3 };

int main(int count, char **words) {
  static struct options options;
  static struct server server;
  if (parse_options(count, words, &options)) return USAGE_ERROR;
  if (events_start(1)) {
    log_line("cannot watch for signals: %s", strerror(errno));
    return CANNOT_START;
  }
  int failed = server_open(&server, &options);
  if (failed) return failed;
  server_run(&server);
  server_close(&server);
  return 0;
}
