/* The answer to a handshake: SHA-1 (RFC 3174) and base64, which nothing else here needs. */
#include <stdint.h>
#include <string.h>

#include "websocket.h"

static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { KEY_SIZE = 24, BLOCK = 64, WORDS = 5, ROUNDS = 80 };

static uint32_t rotate(uint32_t word, int bits) { return word << bits | word >> (32 - bits); }

static void hash_block(uint32_t state[WORDS], const uint8_t block[BLOCK]) {
  uint32_t w[ROUNDS], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
  for (int i = 0; i < 16; i++)
    w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
           (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
  for (int i = 16; i < ROUNDS; i++) w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  for (int i = 0; i < ROUNDS; i++) {
    uint32_t f = i < 20   ? ((b & c) | (~b & d)) + 0x5a827999
                 : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
                 : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
                          : (b ^ c ^ d) + 0xca62c1d6;
    uint32_t next = rotate(a, 5) + f + e + w[i];
    e = d, d = c, c = rotate(b, 30), b = a, a = next;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

/* Of a text that fits in two blocks with its end. */
static void sha1(const char *text, size_t size, uint8_t digest[4 * WORDS + 1]) {
  uint8_t blocks[2 * BLOCK] = {0};
  uint32_t state[WORDS] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  memcpy(blocks, text, size);
  blocks[size] = 0x80;
  blocks[2 * BLOCK - 2] = (uint8_t)(8 * size >> 8);
  blocks[2 * BLOCK - 1] = (uint8_t)(8 * size);
  hash_block(state, blocks);
  hash_block(state, blocks + BLOCK);
  for (int i = 0; i < 4 * WORDS; i++) digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

int websocket_accept(const char *key, char accept[ACCEPT_SIZE]) {
  static const char GUID[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  char text[KEY_SIZE + sizeof GUID];
  uint8_t digest[4 * WORDS + 1] = {0}; /* a byte more: base64 takes three at once */
  if (strlen(key) != KEY_SIZE || strspn(key, DIGITS) != KEY_SIZE - 2 ||
      strcmp(key + KEY_SIZE - 2, "=="))
    return -1;
  memcpy(text, key, KEY_SIZE);
  memcpy(text + KEY_SIZE, GUID, sizeof GUID);
  sha1(text, strlen(text), digest);
  for (int i = 0; i < 7; i++) {
    const uint8_t *three = digest + 3 * i;
    uint32_t bits = (uint32_t)three[0] << 16 | (uint32_t)three[1] << 8 | three[2];
    for (int j = 0; j < 4; j++) accept[4 * i + j] = DIGITS[bits >> (18 - 6 * j) & 63];
  }
  accept[27] = '=';
  accept[28] = '\0';
  return 0;
}
