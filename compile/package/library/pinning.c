/* Threads on CPUs of their own. */
#include "pinning.h"

bool pin(int32_t cpu) {
  cpu_mask mask = {{0}, 0};
  enum { BITS = 8 * sizeof mask.words[0] };
  if (cpu < 0 || cpu >= (int32_t)(BITS * (sizeof mask.words / sizeof mask.words[0]))) {
    return false;
  }
  mask.words[cpu / BITS] = 1ul << cpu % BITS;
  return syscall(SYS_SCHED_SETAFFINITY, 0, sizeof mask.words, mask.words) == 0;
}

depth_status pin_caller(const instance *one, cpu_mask *before) {
  before->bytes = syscall(SYS_SCHED_GETAFFINITY, 0, sizeof before->words, before->words);
  if (before->bytes <= 0 || !pin(one->cpus[0])) {
    return failed(one->network, DEPTH_NO_THREAD, "the caller could not be pinned to CPU %d",
                  one->cpus[0]);
  }
  return DEPTH_OK;
}

void unpin_caller(const cpu_mask *before) {
  syscall(SYS_SCHED_SETAFFINITY, 0, (size_t)before->bytes, before->words);
}
