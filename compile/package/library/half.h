/* IEEE 754 binary16 by hand: not every compiler's library has the conversions. */
#ifndef HALF_H
#define HALF_H

#include "system.h"

/* Rounded to the nearest, of two as near to the even one. */
static inline uint16_t half_of(float value) {
  const float whole = 0x1.8p23f; /* adding and subtracting it leaves no fraction */
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {
    return (uint16_t)(sign | 0x7e00u);
  }
  if (magnitude >= 0x477ff000u) {
    return (uint16_t)(sign | 0x7c00u);
  }
  if (magnitude < 0x38800000u) { /* subnormal: units of 2^-24 */
    float units;
    memcpy(&units, &magnitude, sizeof units);
    return (uint16_t)(sign | (uint32_t)(units * 0x1p24f + whole - whole));
  }
  magnitude += 0xfffu + (magnitude >> 13 & 1u);
  return (uint16_t)(sign | (magnitude - 0x38000000u) >> 13);
}

static inline float float_of(uint16_t half) {
  uint32_t bits = (uint32_t)(half & 0x7fffu) << 13;
  float magnitude;
  memcpy(&magnitude, &bits, sizeof bits);
  magnitude *= 0x1p112f;
  memcpy(&bits, &magnitude, sizeof bits);
  bits |= (half & 0x7c00u) == 0x7c00u ? 0x7f800000u : 0;
  bits |= (uint32_t)(half & 0x8000u) << 16;
  memcpy(&magnitude, &bits, sizeof bits);
  return magnitude;
}

#endif
