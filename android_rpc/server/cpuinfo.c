#define _GNU_SOURCE
#include "cpuinfo.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_file.h"

enum { MAX_TEXT = 1 << 17 };
enum { IMPLEMENTER, VARIANT, PART, REVISION, FIELDS };

static const struct {
  const char *name;
  unsigned long most;
  int shift; /* in MIDR_EL1 */
} FIELD[FIELDS] = {
    [IMPLEMENTER] = {"CPU implementer", 0xff, 24},
    [VARIANT] = {"CPU variant", 0xf, 20},
    [PART] = {"CPU part", 0xfff, 4},
    [REVISION] = {"CPU revision", 0xf, 0},
};
/* "the CPUID scheme", in which cpuinfo does not name the architecture any more */
static const uint32_t ARCHITECTURE = 0xfu << 16;

struct core {
  long number; /* -1: none has begun */
  unsigned long value[FIELDS];
  unsigned seen; /* a bit a field */
};

/* The number after the colon of a line that begins with `name`; -1 for another line. */
static int line_value(const char *line, const char *name, unsigned long most,
                      unsigned long *value) {
  char *end;
  size_t length = strlen(name);
  if (strncmp(line, name, length)) return -1;
  line += length;
  while (*line == ' ' || *line == '\t') line++;
  if (*line++ != ':') return -1;
  while (*line == ' ' || *line == '\t') line++;
  if (!isdigit((unsigned char)*line)) return -1;
  *value = strtoul(line, &end, 0);
  return (*end == '\n' || *end == '\0') && *value <= most ? 0 : -1;
}

static size_t keep(const struct core *core, struct cpu *cpus, size_t count) {
  if (core->number < 0 || core->seen != (1u << FIELDS) - 1 || count == CPU_SETSIZE) return count;
  cpus[count] = (struct cpu){(int)core->number, ARCHITECTURE};
  for (int i = 0; i < FIELDS; i++) cpus[count].midr |= (uint32_t)core->value[i] << FIELD[i].shift;
  return count + 1;
}

size_t parse_cpuinfo(const char *text, struct cpu cpus[CPU_SETSIZE]) {
  struct core core = {.number = -1};
  size_t count = 0;
  for (const char *line = text; line; line = (line = strchr(line, '\n')) ? line + 1 : NULL) {
    unsigned long value;
    if (!line_value(line, "processor", CPU_SETSIZE - 1, &value)) {
      count = keep(&core, cpus, count);
      core = (struct core){.number = (long)value};
    }
    for (int i = 0; i < FIELDS; i++)
      if (!line_value(line, FIELD[i].name, FIELD[i].most, &core.value[i])) core.seen |= 1u << i;
  }
  return keep(&core, cpus, count);
}

int read_cpuinfo(struct cpu cpus[CPU_SETSIZE]) {
  static char text[MAX_TEXT];
  ssize_t size = read_kernel_file("/proc/cpuinfo", text, sizeof text - 1);
  if (size < 0) return -1;
  text[size] = '\0';
  return (int)parse_cpuinfo(text, cpus);
}

int format_cpus(const struct cpu *cpus, size_t count, char *text, size_t capacity) {
  size_t used = 0;
  text[0] = '\0';
  for (size_t i = 0; i < count; i++) {
    int length = snprintf(text + used, capacity - used, "%s%d:%08x", used ? "," : "",
                          cpus[i].number, (unsigned)cpus[i].midr);
    if (length < 0 || used + (size_t)length >= capacity) return -1;
    used += (size_t)length;
  }
  return (int)used;
}
