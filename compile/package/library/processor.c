/* Whether this processor can run the kernels. */
#include "processor.h"

#include "network.h"

#if defined(__x86_64__)
#include <cpuid.h>

static void read_words(uint64_t words[CPU_WORDS]) {
  uint32_t a, b, c, d;
  if (__get_cpuid(1, &a, &b, &c, &d) != 0) {
    words[0] = c;
    if ((c >> 27 & 1) != 0) { /* the system says which registers it keeps */
      __asm__("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
      words[4] = a;
    }
  }
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) != 0) {
    words[1] = b;
    words[2] = c;
    words[3] = d;
  }
}
#else
static void read_words(uint64_t words[CPU_WORDS]) {
  enum { HWCAP = 16 };
  words[0] = getauxval(HWCAP);
}
#endif

const char *missing_cpu_feature(void) {
  uint64_t words[CPU_WORDS] = {0};
  read_words(words);
  for (const cpu_feature *one = network_cpu_feature; one->name != NULL; one++) {
    if ((words[one->word] >> one->bit & 1) == 0) {
      return one->name;
    }
  }
  return NULL;
}
