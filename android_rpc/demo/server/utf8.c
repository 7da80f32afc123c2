#include "utf8.h"

size_t utf8_length(const uint8_t *bytes, size_t size) {
  static const struct {
    uint8_t first, last, least, most; /* of the first byte, and of the second */
    size_t length;
  } FORMS[] = {
      {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
      {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
      {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
  };
  if (size == 0) return 0;
  if (bytes[0] < 0x80) return 1;
  for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++) {
    if (bytes[0] < FORMS[i].first || bytes[0] > FORMS[i].last) continue;
    if (size < FORMS[i].length || bytes[1] < FORMS[i].least || bytes[1] > FORMS[i].most) return 0;
    for (size_t place = 2; place < FORMS[i].length; place++)
      if ((bytes[place] & 0xc0) != 0x80) return 0;
    return FORMS[i].length;
  }
  return 0;
}

int utf8_valid(const uint8_t *bytes, size_t size) {
  while (size) {
    size_t length = utf8_length(bytes, size);
    if (!length) return 0;
    bytes += length;
    size -= length;
  }
  return 1;
}

size_t utf8_write(uint32_t character, char bytes[4]) {
  if (character < 0x80) {
    bytes[0] = (char)character;
    return 1;
  }
  size_t length = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
  for (size_t i = length - 1; i > 0; i--) {
    bytes[i] = (char)(0x80 | (character & 0x3f));
    character >>= 6;
  }
  bytes[0] = (char)((0xf00 >> length & 0xff) | character);
  return length;
}
