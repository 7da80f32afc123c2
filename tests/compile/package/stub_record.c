/* Prints the record of a benchmark of as many runs as its argument says. */
#include <stdio.h>
#include <stdlib.h>

#include "depth.h"

enum { MOST_RUNS = 1000, CAPACITY = 1 << 18 };

int main(int count, char **words) {
  static double milliseconds[MOST_RUNS];
  static char record[CAPACITY];
  int32_t runs = count > 1 ? atoi(words[1]) : 1;
  depth_network network;
  size_t length;
  if (depth_create(&network, NULL) || depth_benchmark(network, 2, runs, milliseconds) ||
      depth_benchmark_record(network, 2, runs, milliseconds, record, sizeof record, &length)) {
    fprintf(stderr, "%s\n", depth_last_error(network));
    return 1;
  }
  return puts(record) < 0;
}
