/* Gives each file named on the command line to the fuzz target once. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int main(int count, char **names) {
  static uint8_t bytes[1 << 16];
  for (int i = 1; i < count; i++) {
    FILE *file = fopen(names[i], "rb");
    if (!file) return 2;
    printf("%s\n", names[i]);
    fflush(stdout); /* the last name is that of an input that ends the program */
    LLVMFuzzerTestOneInput(bytes, fread(bytes, 1, sizeof bytes, file));
    fclose(file);
  }
  return 0;
}
