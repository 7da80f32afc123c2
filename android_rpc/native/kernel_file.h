/* The kernel's own text files, of /proc and /sys. */
#ifndef NATIVE_KERNEL_FILE_H
#define NATIVE_KERNEL_FILE_H

#include <stddef.h>
#include <sys/types.h>

/* The first bytes of a file, at most `capacity`: how many, or -1 (errno). */
ssize_t read_kernel_file(const char *path, char *bytes, size_t capacity);

#endif
