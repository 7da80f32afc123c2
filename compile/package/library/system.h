/* What the library calls of the C library and the kernel, declared here: only what glibc and
 * Android's bionic both have in the same binary form, so that no system's headers are needed. */
#ifndef SYSTEM_H
#define SYSTEM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if !defined(__LP64__) || !defined(__linux__)
#error "for Linux and Android of 64 bits"
#endif

void *memcpy(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *one, const void *other, size_t bytes);
size_t strlen(const char *text);
int vsnprintf(char *text, size_t capacity, const char *format, va_list values);
int snprintf(char *text, size_t capacity, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

typedef unsigned long pthread_t;
int pthread_create(pthread_t *thread, const void *attributes, void *(*start)(void *), void *given);
int pthread_join(pthread_t thread, void **result);
int pthread_key_create(uint32_t *key, void (*end)(void *));
int pthread_key_delete(uint32_t key);
int pthread_setspecific(uint32_t key, const void *value);
void *pthread_getspecific(uint32_t key);

enum { READABLE = 1, WRITABLE = 2, SHARED = 1, PRIVATE = 2, ANONYMOUS = 0x20, POPULATE = 0x8000 };
void *mmap(void *place, size_t bytes, int access, int flags, int file, long offset);
int munmap(void *place, size_t bytes);
#define NO_MAPPING ((void *)-1)

enum { READ_ONLY = 0, CLOSE_ON_EXEC = 02000000, TO_END = 2 };
int open(const char *path, int flags, ...);
int close(int file);
long lseek(int file, long offset, int from);

struct timespec {
  long seconds, nanoseconds;
};
enum { REALTIME = 0, MONOTONIC = 1 };
int clock_gettime(int clock, struct timespec *now);

unsigned long getauxval(unsigned long kind);
long syscall(long number, ...);
enum { FUTEX_WAIT_PRIVATE = 128, FUTEX_WAKE_PRIVATE = 129 };
#if defined(__aarch64__)
enum { SYS_FUTEX = 98, SYS_SCHED_SETAFFINITY = 122, SYS_SCHED_GETAFFINITY = 123 };
enum { SYS_READ = 63, SYS_READLINKAT = 78, SYS_EXIT_GROUP = 94, SYS_SIGPROCMASK = 135 };
enum { SYS_GETPPID = 173, SYS_CLONE = 220, SYS_WAIT4 = 260, SYS_GETRANDOM = 278 };
#elif defined(__x86_64__)
enum { SYS_FUTEX = 202, SYS_SCHED_SETAFFINITY = 203, SYS_SCHED_GETAFFINITY = 204 };
enum { SYS_READ = 0, SYS_SIGPROCMASK = 14, SYS_CLONE = 56, SYS_WAIT4 = 61, SYS_GETPPID = 110 };
enum { SYS_EXIT_GROUP = 231, SYS_READLINKAT = 267, SYS_GETRANDOM = 318 };
#else
#error "for arm64 and x86-64"
#endif

#endif
