#include "temperature.h"

#include <math.h>
#include <stdlib.h>

#include "kernel_file.h"

static const double COLDEST_C = -40, HOTTEST_C = 125;

int parse_temperature(const char *text, double *celsius) {
  char *end;
  double value = (double)strtol(text, &end, 10);
  if (end == text || (*end && *end != '\n') || value == 0) return -1;
  if (fabs(value) >= 1000)
    value /= 1000;
  else if (fabs(value) > HOTTEST_C)
    value /= 10;
  if (!(value > COLDEST_C && value < HOTTEST_C)) return -1;
  *celsius = value;
  return 0;
}

int read_temperature(const char *const *files, int count, double *celsius) {
  int found = -1;
  for (int i = 0; i < count; i++) {
    char text[32];
    double one;
    ssize_t size = read_kernel_file(files[i], text, sizeof text - 1);
    if (size < 0) continue;
    text[size] = '\0';
    if (parse_temperature(text, &one) || (!found && one <= *celsius)) continue;
    *celsius = one;
    found = 0;
  }
  return found;
}
