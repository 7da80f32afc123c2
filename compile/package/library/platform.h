/* What runs this program: a processor, one of a virtual machine, or an emulator.
 *
 * The rules are those of depthbench's server for devices (docs/devices.md). User-mode emulators
 * show a program itself where it looks for what runs it, but not where another process does: a
 * child sees what its parent really is.
 */
#ifndef PLATFORM_H
#define PLATFORM_H

#include "system.h"

typedef enum platform {
  PLATFORM_UNKNOWN,
  PLATFORM_HARDWARE,
  PLATFORM_VIRTUAL,
  PLATFORM_EMULATOR
} platform;

typedef struct platform_signs {
  int32_t machine;      /* ELF's number of what the kernel runs for this process; 0: not told */
  bool other_program;   /* that is another file than this program seems to be */
  bool foreign_cpuinfo; /* /proc/cpuinfo is another architecture's */
  uint32_t midr;        /* MIDR_EL1 of the core at hand; 0: not told */
  uint64_t counter_hz;  /* CNTFRQ_EL0; 0: not told */
  bool virtual_machine; /* firmware, device tree or processor name a virtual machine */
} platform_signs;

platform_signs platform_look(void);

platform platform_judge(const platform_signs *signs);

/* "emulator" and so on. */
const char *platform_name(platform platform);

/* The word of sign `place` where it was seen, null where it was not; beyond the last "". */
const char *platform_sign(const platform_signs *signs, int place);

#endif
