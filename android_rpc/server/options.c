#define _GNU_SOURCE
#include "options.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu_list.h"
#include "net.h"
#include "tracker.h"

/* Clients prepare what they ask for before their session. */
static const double IDLE_LIMIT_S = 300;

static const char USAGE[] =
    "usage: rpc_server --key KEY --work FOLDER [--tracker IP:PORT] [--listen IP:PORT]\n"
    "  [--advertise IP:PORT] [--cpus LIST] [--threads N] [--session-limit SECONDS]\n"
    "  [--about JSON] [--idle-limit SECONDS] [--extras] [--die-with-stdin]\n";

static int parse_threads(const char *text, int *threads) {
  char *end;
  long value = strtol(text, &end, 10);
  if (!isdigit((unsigned char)*text) || *end || value < 1 || value > CPU_SETSIZE) return -1;
  *threads = (int)value;
  return 0;
}

static int parse_seconds(const char *text, double *seconds) {
  char *end;
  *seconds = strtod(text, &end);
  return end != text && !*end && isfinite(*seconds) && *seconds > 0 ? 0 : -1;
}

/* 0 when `name` is an option and `value` is good for it. */
static int set_option(const char *name, const char *value, struct options *options) {
  if (!strcmp(name, "--key")) {
    options->key = value;
    return valid_key(value) ? 0 : -1;
  }
  if (!strcmp(name, "--work")) {
    options->work = value;
    return *value ? 0 : -1;
  }
  if (!strcmp(name, "--about")) {
    options->about = value;
    return *value && strlen(value) <= MAX_ABOUT ? 0 : -1;
  }
  if (!strcmp(name, "--tracker")) return parse_address(value, 0, &options->tracker);
  if (!strcmp(name, "--listen")) return parse_address(value, 1, &options->listen);
  if (!strcmp(name, "--advertise")) return parse_address(value, 0, &options->advertised);
  if (!strcmp(name, "--threads")) return parse_threads(value, &options->threads);
  if (!strcmp(name, "--session-limit")) return parse_seconds(value, &options->session_limit_s);
  if (!strcmp(name, "--idle-limit")) return parse_seconds(value, &options->idle_limit_s);
  if (!strcmp(name, "--cpus")) {
    options->pinned = 1;
    return parse_cpu_list(value, &options->cpus);
  }
  return -1;
}

int parse_options(int count, char **words, struct options *options) {
  memset(options, 0, sizeof *options);
  parse_address("127.0.0.1:0", 1, &options->listen);
  options->idle_limit_s = IDLE_LIMIT_S;
  for (int i = 1; i < count; i++) {
    if (!strcmp(words[i], "--extras")) {
      options->extras = 1;
    } else if (!strcmp(words[i], "--die-with-stdin")) {
      options->die_with_stdin = 1;
    } else if (i + 1 >= count || set_option(words[i], words[i + 1], options)) {
      fprintf(stderr, "rpc_server: cannot use %s %s\n%s", words[i],
              i + 1 < count ? words[i + 1] : "", USAGE);
      return -1;
    } else {
      i++;
    }
  }
  if (!options->key || !options->work) {
    fprintf(stderr, "rpc_server: --key and --work are needed\n%s", USAGE);
    return -1;
  }
  return 0;
}
