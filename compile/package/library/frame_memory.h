/* Memory of a frame's plan: laid out once without any, to know how much, and then in a mapping. */
#ifndef FRAME_MEMORY_H
#define FRAME_MEMORY_H

#include <stddef.h>
#include <stdint.h>

typedef struct frame_memory {
  uint8_t *begin; /* null: only counted */
  size_t used;
} frame_memory;

static inline void *frame_take(frame_memory *memory, size_t count, size_t size) {
  void *place = memory->begin ? memory->begin + memory->used : NULL;
  memory->used += (count * size + 63) & ~(size_t)63;
  return place;
}

#endif
