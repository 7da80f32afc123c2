/* Events for whoever started the server: one JSON object a line, on stdout. */
#ifndef DEMO_REPORT_H
#define DEMO_REPORT_H

#include <stdint.h>

#include "buffer.h"

void report_ready(uint16_t port, const char *token);

/* A browser has come, or has left. */
void report_browser(int here);

void report_line(const struct buffer *line);

#endif
