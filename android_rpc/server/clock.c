/*
 * The runtime times kernels by std::chrono::high_resolution_clock, which in libstdc++ is the wall
 * clock: a phone that gets the time from its network would put an hour into a sample, or take one
 * out. The dynamic loader prefers this program's function of that name to the library's.
 */
#include <stdint.h>
#include <time.h>

/* std::chrono::system_clock::now(), in nanoseconds */
__attribute__((visibility("default"))) int64_t _ZNSt6chrono3_V212system_clock3nowEv(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
