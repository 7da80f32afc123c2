/*
 * A TVM RPC server for a phone that has neither Python nor root.
 *
 * The parent process below holds no TVM: it registers with a tracker, shakes
 * hands with one client at a time and gives each a child process (session.c)
 * that loads the runtime. With port 0 a free port is taken; the address in use
 * is the first and only line on standard output.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "events.h"
#include "handshake.h"
#include "log.h"
#include "net.h"
#include "options.h"
#include "session.h"
#include "tracker.h"
#include "workspace.h"

/* A client that took the offer but has not come after about 5 s lost its turn. */
enum { CHECK_MS = 1000, MAX_UNUSED_CHECKS = 5, RETRY_MS = 500 };
/* Exit codes; who starts the server tries another port after PORT_TAKEN. */
enum { USAGE_ERROR = 2, CANNOT_START = 3, PORT_TAKEN = 4 };

struct offer {
  int tracker;   /* the connection, or -1 */
  int published; /* the tracker has match_key */
  int unused_checks;
  int64_t held_until; /* until then only who was here last may come */
  char match_key[MATCH_KEY_SIZE];
};

static void lose_tracker(struct offer *offer) {
  log_line("lost the tracker");
  close(offer->tracker);
  offer->tracker = -1;
}

/* Gets the offer to the tracker: 1 when clients can find it, else after a while 0. */
static int publish(struct offer *offer, const struct options *options) {
  if (offer->tracker < 0) {
    offer->tracker = tracker_connect(&options->tracker, options->key, &options->advertised,
                                     options->about);
    offer->published = 0;
    if (offer->tracker < 0) {
      wait_event(-1, 0, now_ms() + RETRY_MS);
      return 0;
    }
    log_line("registered with the tracker as %s", options->key);
  }
  if (offer->published) return 1;
  if (tracker_offer(offer->tracker, options->key, &options->advertised, offer->match_key)) {
    lose_tracker(offer);
    return 0;
  }
  offer->published = 1;
  offer->unused_checks = 0;
  return 1;
}

static void check_offer(struct offer *offer) {
  int waits = tracker_offer_waits(offer->tracker, offer->match_key);
  if (waits < 0) {
    lose_tracker(offer);
    return;
  }
  offer->unused_checks = waits ? 0 : offer->unused_checks + 1;
  if (offer->unused_checks >= MAX_UNUSED_CHECKS) {
    log_line("a client took its turn and did not come");
    offer->published = 0;
  }
}

static void meet_client(int listener, struct offer *offer, const struct options *options) {
  double limit_s = 0, hold_s = 0;
  int client = accept_connection(listener);
  if (client < 0) return;
  if (shake_hands(client, options->key, offer->match_key, &limit_s, &hold_s) == 0) {
    serve_session(client, limit_s, options);
    offer->published = 0;
    offer->held_until = now_ms() + (int64_t)(hold_s * 1000);
  }
  close(client);
}

static void serve(int listener, const struct options *options) {
  int tracked = options->tracker.sin_family != 0;
  struct offer offer = {.tracker = -1};
  /* without a tracker, the key itself is what a client must know */
  snprintf(offer.match_key, sizeof offer.match_key, "%s", options->key);
  for (;;) {
    int held = tracked && now_ms() < offer.held_until;
    int ready = held || !tracked || publish(&offer, options);
    int64_t deadline = !ready ? now_ms() : tracked ? now_ms() + CHECK_MS : NEVER;
    if (held) deadline = offer.held_until;
    enum event event = wait_event(ready ? listener : -1, POLLIN, deadline);
    if (event == EVENT_STOP) break;
    if (event == EVENT_READY) meet_client(listener, &offer, options);
    if (event == EVENT_TIMEOUT && ready && tracked && !held) check_offer(&offer);
  }
  if (offer.tracker >= 0) close(offer.tracker);
}

int main(int count, char **words) {
  struct options options;
  char host[INET_ADDRSTRLEN];
  if (parse_options(count, words, &options)) return USAGE_ERROR;
  if (workspace_open(options.work)) {
    log_line("cannot use the work folder %s: %s", options.work, strerror(errno));
    return CANNOT_START;
  }
  int listener = listen_on(&options.listen);
  int cause = errno;
  inet_ntop(AF_INET, &options.listen.sin_addr, host, sizeof host);
  if (listener < 0) {
    log_line("cannot listen on %s:%d: %s", host, ntohs(options.listen.sin_port), strerror(cause));
    return cause == EADDRINUSE ? PORT_TAKEN : CANNOT_START;
  }
  if (options.advertised.sin_family == 0) options.advertised = options.listen;
  if (events_start(options.die_with_stdin)) {
    log_line("cannot watch for signals: %s", strerror(errno));
    return CANNOT_START;
  }
  log_line("server=listening address=%s:%d", host, ntohs(options.listen.sin_port));
  printf("%s:%d\n", host, ntohs(options.listen.sin_port));
  fflush(stdout);
  serve(listener, &options);
  close(listener);
  workspace_close();
  return 0;
}
