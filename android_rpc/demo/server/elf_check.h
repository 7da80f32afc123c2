/* Whether a file is a whole shared library of this machine: the loader crashes on what is cut. */
#ifndef DEMO_ELF_CHECK_H
#define DEMO_ELF_CHECK_H

#include <stddef.h>
#include <stdint.h>

enum { ELF_HEAD = 64, MAX_SEGMENTS = 64, SEGMENT_SIZE = 56 };

/* Of the first bytes of a file: how many segments it has, and where; -1 for another file. */
int elf_segments(const uint8_t head[ELF_HEAD], uint64_t file_size, uint64_t *place);

/* Whether all that the segments want of the file is there. */
int elf_segments_fit(const uint8_t *segments, int count, uint64_t file_size);

/* 0, or -1 where the file at `path` is no such library. */
int elf_check(const char *path);

#endif
