/* Lists of CPUs as the kernel writes them: "4", "0-3", "0,2,4-7". */
#ifndef NATIVE_CPU_LIST_H
#define NATIVE_CPU_LIST_H

#include <sched.h>
#include <stddef.h>

/* 0 when `text` is a list that names at least one CPU, else -1. */
int parse_cpu_list(const char *text, cpu_set_t *cpus);

/* Writes "0,1,4"; returns the length, or -1 when it does not fit. */
int format_cpu_list(const cpu_set_t *cpus, char *text, size_t capacity);

#endif
