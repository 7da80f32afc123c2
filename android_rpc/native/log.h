/* Lines on stderr, each with the time and the name of the program. */
#ifndef NATIVE_LOG_H
#define NATIVE_LOG_H

void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
