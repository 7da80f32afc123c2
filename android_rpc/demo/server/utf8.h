/* UTF-8 as RFC 3629 has it. */
#ifndef DEMO_UTF8_H
#define DEMO_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The bytes of the character with which the text begins; 0 where it begins with none. */
size_t utf8_length(const uint8_t *bytes, size_t size);

/* Whether all of it is. */
int utf8_valid(const uint8_t *bytes, size_t size);

/* Writes a character that is no surrogate: its bytes. */
size_t utf8_write(uint32_t character, char bytes[4]);

#endif
