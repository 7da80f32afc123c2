#define _GNU_SOURCE
#include "profile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime.h"

enum { MAX_NAME = 512, MAX_DEPTH = 64, MAX_BYTES = 1 << 24 };

/* What the machine passes to its instrument, before the arguments of the call. */
enum { FUNCTION, NAME, BEFORE, RESULT, LEAST_ARGUMENTS };

static struct {
  char *text;
  size_t used, capacity;
  int64_t begin[MAX_DEPTH];
  int depth;
} seen;

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int append(const char *name, int64_t nanoseconds) {
  size_t wanted = seen.used + strlen(name) + 32;
  if (wanted > MAX_BYTES) return raise_error("RuntimeError", "too many calls to remember");
  if (wanted > seen.capacity) {
    size_t capacity = wanted * 2;
    char *text = realloc(seen.text, capacity);
    if (!text) return raise_error("MemoryError", "no memory for the times of calls");
    seen.text = text;
    seen.capacity = capacity;
  }
  seen.used += (size_t)sprintf(seen.text + seen.used, "%s %" PRId64 "\n", name, nanoseconds);
  return 0;
}

static int instrument(void *self, const TVMFFIAny *arguments, int32_t count, TVMFFIAny *result) {
  int64_t now = now_ns();
  char name[MAX_NAME];
  (void)self;
  *result = (TVMFFIAny){.type_index = kTVMFFINone};
  if (count < LEAST_ARGUMENTS) return raise_error("TypeError", "no call of a virtual machine");
  if (arguments[BEFORE].v_int64) {
    if (seen.depth == MAX_DEPTH) return raise_error("RuntimeError", "calls are nested too deeply");
    seen.begin[seen.depth++] = now_ns();
    return 0;
  }
  if (!seen.depth) return raise_error("RuntimeError", "a call ends that has not begun");
  int64_t begin = seen.begin[--seen.depth];
  if (string_argument(arguments, count, NAME, name, sizeof name)) return -1;
  return append(name, now - begin);
}

static int profile(void *self, const TVMFFIAny *arguments, int32_t count, TVMFFIAny *result) {
  (void)self, (void)arguments, (void)count;
  seen.used = 0;
  seen.depth = 0;
  return runtime_function(instrument, NULL, result);
}

static int times(void *self, const TVMFFIAny *arguments, int32_t count, TVMFFIAny *result) {
  (void)self, (void)arguments, (void)count;
  int failed = return_string(seen.text ? seen.text : "", seen.used, result);
  seen.used = 0;
  return failed;
}

int register_profile(void) {
  return runtime_register("depthbench.profile", profile) ||
                 runtime_register("depthbench.profile_times", times)
             ? -1
             : 0;
}
