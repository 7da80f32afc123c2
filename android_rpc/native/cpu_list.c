#define _GNU_SOURCE
#include "cpu_list.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* Digits only: strtol alone would take "+3", " 3" and "-3". */
static int parse_cpu(const char **text, long *cpu) {
  char *end;
  if (!isdigit((unsigned char)**text)) return -1;
  *cpu = strtol(*text, &end, 10);
  *text = end;
  return *cpu < CPU_SETSIZE ? 0 : -1;
}

int parse_cpu_list(const char *text, cpu_set_t *cpus) {
  CPU_ZERO(cpus);
  for (;;) {
    long first, last;
    if (parse_cpu(&text, &first)) return -1;
    last = first;
    if (*text == '-') {
      text++;
      if (parse_cpu(&text, &last) || last < first) return -1;
    }
    for (long cpu = first; cpu <= last; cpu++) CPU_SET(cpu, cpus);
    if (*text == '\0') return 0;
    if (*text++ != ',') return -1;
  }
}

int format_cpu_list(const cpu_set_t *cpus, char *text, size_t capacity) {
  size_t used = 0;
  text[0] = '\0';
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, cpus)) continue;
    int length = snprintf(text + used, capacity - used, "%s%d", used ? "," : "", cpu);
    if (length < 0 || used + (size_t)length >= capacity) return -1;
    used += (size_t)length;
  }
  return (int)used;
}
