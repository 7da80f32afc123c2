/*
 * Gives the fuzz target changed copies of the files named on the command line, the first word
 * being how many. The same each time: it takes the place of a fuzzer where there is none.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { MOST = 1 << 13, MAX_CHANGES = 8 };

struct input {
  uint8_t bytes[MOST];
  size_t size;
};

static uint32_t draw(uint32_t below) {
  static uint64_t state = 88172645463325252;
  state ^= state << 13, state ^= state >> 7, state ^= state << 17; /* Marsaglia's xorshift */
  return (uint32_t)(state >> 32) % below;
}

static void read_input(const char *name, struct input *input) {
  FILE *file = fopen(name, "rb");
  if (!file) exit(2);
  input->size = fread(input->bytes, 1, MOST, file);
  fclose(file);
}

static void change(struct input *input, const struct input *other) {
  static const uint8_t TELLING[] = {0, 1, 0x7e, 0x7f, 0x80, 0xff, '\r', '\n', '"', '{', '[', '\\'};
  size_t at = draw((uint32_t)input->size), left = input->size - at;
  size_t count = 1 + draw((uint32_t)left);
  switch (draw(5)) {
    case 0: input->bytes[at] ^= (uint8_t)(1 << draw(8)); break;
    case 1: input->bytes[at] = TELLING[draw(sizeof TELLING)]; break;
    case 2: /* leave some out */
      memmove(input->bytes + at, input->bytes + at + count, left - count);
      if (input->size > count) input->size -= count;
      break;
    case 3: /* repeat some */
      if (count > MOST - input->size) count = MOST - input->size;
      memmove(input->bytes + at + count, input->bytes + at, left);
      input->size += count;
      break;
    default: /* go on with another's end */
      if (at >= other->size) break;
      memcpy(input->bytes + at, other->bytes + at, other->size - at);
      input->size = other->size;
  }
}

int main(int count, char **words) {
  static struct input input, other;
  if (count < 3) return 2;
  for (long left = atol(words[1]); left > 0; left--) {
    read_input(words[2 + draw((uint32_t)count - 2)], &input);
    read_input(words[2 + draw((uint32_t)count - 2)], &other);
    for (uint32_t changes = 1 + draw(MAX_CHANGES); input.size && changes; changes--)
      change(&input, &other);
    LLVMFuzzerTestOneInput(input.bytes, input.size);
  }
  return 0;
}
