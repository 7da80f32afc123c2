/* Lines on stderr, each with the time and the name of the program. */
#ifndef RPC_SERVER_LOG_H
#define RPC_SERVER_LOG_H

void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
