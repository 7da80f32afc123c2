/* /proc/cpuinfo of an arm64 kernel. */
#ifndef RPC_SERVER_CPUINFO_H
#define RPC_SERVER_CPUINFO_H

#include <sched.h>
#include <stddef.h>
#include <stdint.h>

struct cpu {
  int number;
  uint32_t midr; /* the register that names the core's maker, part and revision */
};

/*
 * The cores that `text` names with what they are, at most CPU_SETSIZE: how many. None where the
 * text is of another architecture.
 */
size_t parse_cpuinfo(const char *text, struct cpu cpus[CPU_SETSIZE]);

/* The cores of /proc/cpuinfo: how many, or -1 where that cannot be read. */
int read_cpuinfo(struct cpu cpus[CPU_SETSIZE]);

/* Writes "0:412fd050,4:414fd0b1"; returns the length, or -1 when it does not fit. */
int format_cpus(const struct cpu *cpus, size_t count, char *text, size_t capacity);

#endif
