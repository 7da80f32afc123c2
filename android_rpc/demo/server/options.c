#define _GNU_SOURCE
#include "options.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu_list.h"
#include "json.h"

static const char USAGE[] =
    "usage: demo_server --page FOLDER --packages FOLDER --work FOLDER [--device JSON]\n"
    "  [--port N] [--public-port N] [--cpus THREADS:LIST]... [--temperature FILE]...\n"
    "  [--focal RATIO]\n";

static int parse_number(const char **text, long most, long *number) {
  char *end;
  if (!isdigit((unsigned char)**text)) return -1;
  *number = strtol(*text, &end, 10);
  *text = end;
  return *number <= most ? 0 : -1;
}

static int parse_port(const char *text, uint16_t *port) {
  long number;
  if (parse_number(&text, UINT16_MAX, &number) || *text) return -1;
  *port = (uint16_t)number;
  return 0;
}

static int parse_focal(const char *text, double *focal) {
  char *end;
  *focal = strtod(text, &end);
  return *text && !*end && *focal > 1e-3 && *focal < 1e3 ? 0 : -1;
}

/* "2:4,5": two threads run on CPUs 4 and 5. */
static int parse_choice(const char *text, struct options *options) {
  cpu_set_t cpus;
  long threads;
  if (options->choice_count == MAX_CHOICES) return -1;
  struct cpu_choice *choice = &options->choices[options->choice_count];
  if (parse_number(&text, MAX_THREADS, &threads) || threads < 1 || *text != ':' ||
      parse_cpu_list(text + 1, &cpus) || CPU_COUNT(&cpus) < threads)
    return -1;
  for (int32_t cpu = 0; choice->count < threads; cpu++)
    if (CPU_ISSET(cpu, &cpus)) choice->cpus[choice->count++] = cpu;
  choice->threads = (int32_t)threads;
  options->choice_count++;
  return 0;
}

static int parse_device(const char *text, struct options *options) {
  struct json value;
  options->device = text;
  return json_read(text, strlen(text), &value) || *value.text != '{' ? -1 : 0;
}

/* 0 when `name` is an option and `value` is good for it. */
static int set_option(const char *name, const char *value, struct options *options) {
  const struct {
    const char *name, **folder;
  } FOLDERS[] = {{"--page", &options->page},
                 {"--packages", &options->packages},
                 {"--work", &options->work}};
  for (int i = 0; i < 3; i++) {
    if (strcmp(name, FOLDERS[i].name)) continue;
    *FOLDERS[i].folder = value;
    return *value ? 0 : -1;
  }
  if (!strcmp(name, "--device")) return parse_device(value, options);
  if (!strcmp(name, "--port")) return parse_port(value, &options->port);
  if (!strcmp(name, "--public-port")) return parse_port(value, &options->public_port);
  if (!strcmp(name, "--cpus")) return parse_choice(value, options);
  if (!strcmp(name, "--focal")) return parse_focal(value, &options->focal);
  if (strcmp(name, "--temperature") || options->zone_count == MAX_ZONES) return -1;
  options->zones[options->zone_count++] = value;
  return 0;
}

int parse_options(int count, char **words, struct options *options) {
  memset(options, 0, sizeof *options);
  options->device = "{}";
  for (int i = 1; i < count; i += 2) {
    const char *value = i + 1 < count ? words[i + 1] : NULL;
    if (value && !set_option(words[i], value, options)) continue;
    fprintf(stderr, "demo_server: cannot use %s %s\n%s", words[i], value ? value : "", USAGE);
    return -1;
  }
  if (options->page && options->packages && options->work) return 0;
  fprintf(stderr, "demo_server: --page, --packages and --work are needed\n%s", USAGE);
  return -1;
}
