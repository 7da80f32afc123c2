/* The kernel's own text files, of /proc and /sys. */
#ifndef KERNEL_FILE_H
#define KERNEL_FILE_H

#include "system.h"

/* The first bytes of a file as text, `capacity` - 1 at most; returns how many, 0 of a file that
 * cannot be read. */
size_t read_kernel_file(const char *path, char *text, size_t capacity);

/* Without what is white at its end. */
size_t read_kernel_line(const char *path, char *text, size_t capacity);

/* -1 where the file has no number that is not negative. */
int64_t read_kernel_number(const char *path);

/* Where the value of the next line "NAME : value" after `text` begins; null where there is none. */
const char *find_value(const char *text, const char *name);

/* The number there, decimal or with 0x; -1 where there is none. */
int64_t number_at(const char *text);

#endif
