#define _GNU_SOURCE
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

void log_line(const char *format, ...) {
  char text[1024];
  struct timespec now;
  struct tm parts;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  clock_gettime(CLOCK_REALTIME, &now);
  gmtime_r(&now.tv_sec, &parts);
  fprintf(stderr, "%s %02d:%02d:%02d.%03dZ %s\n", program_invocation_short_name, parts.tm_hour,
          parts.tm_min, parts.tm_sec, (int)(now.tv_nsec / 1000000), text);
}
