/*
 * What runs this program: a processor, one of a virtual machine, or an emulator.
 *
 * User-mode emulators show a program itself where it looks for what runs it, but not where
 * another process does: a child sees what its parent really is.
 */
#ifndef RPC_SERVER_PLATFORM_H
#define RPC_SERVER_PLATFORM_H

#include <stddef.h>
#include <stdint.h>

enum platform { PLATFORM_UNKNOWN, PLATFORM_HARDWARE, PLATFORM_VIRTUAL, PLATFORM_EMULATOR };

struct signs {
  int machine;         /* ELF's number of what the kernel runs for the parent; 0: not told */
  int other_program;   /* that is another file than this program seems to be */
  int foreign_cpuinfo; /* /proc/cpuinfo is another architecture's */
  uint32_t midr;       /* MIDR_EL1 of the core at hand; 0: not told */
  uint64_t counter_hz; /* CNTFRQ_EL0; 0: not told */
  int virtual_machine; /* firmware or device tree name a virtual machine */
};

/* Of the process that forked this one. */
struct signs look_for_signs(void);

enum platform judge_platform(const struct signs *signs);

/* "emulator" and so on. */
const char *platform_name(enum platform platform);

/* Writes the signs of an emulator, or of a virtual machine, as words with commas between. */
void format_signs(const struct signs *signs, char *text, size_t capacity);

/* For look_for_signs: */

/* The machine that an ELF file of 64 bits and little endian, which begins so, is for; 0: none. */
int elf_machine(const uint8_t *head, size_t size);

/* Whether one of the names in `text`, which zero bytes or line ends part, is a virtual machine's. */
int names_virtual_machine(const char *text, size_t size);

#endif
