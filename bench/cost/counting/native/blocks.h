/* Blocks of instructions that a program ran, and how often in each section of its life.

   Marks in the program (mark.h) cut its life into sections: before the first mark, between marks,
   after the last one. */
#ifndef COST_BLOCKS_H
#define COST_BLOCKS_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mark.h"

enum { BUCKETS = 1 << 16, SECTIONS = 16 };

struct block {
  struct block *next;
  uint64_t address, counts[SECTIONS];
  int is_mark;
  uint32_t length, words[];
};

static struct block *buckets[BUCKETS];
static int section;

static struct block **bucket_of(uint64_t address) {
  return &buckets[(address >> 2) % BUCKETS];
}

/* The block of these words, which becomes the newest of its address; NULL without memory. */
static struct block *add_block(uint64_t address, const uint32_t *words, uint32_t length) {
  struct block **bucket = bucket_of(address), **at = bucket;
  size_t bytes = length * sizeof *words;
  while (*at && ((*at)->address != address || (*at)->length != length ||
                 memcmp((*at)->words, words, bytes)))
    at = &(*at)->next;
  struct block *block = *at;
  if (block) {
    *at = block->next;
  } else {
    block = calloc(1, sizeof *block + bytes);
    if (!block) return NULL;
    block->address = address;
    block->length = length;
    memcpy(block->words, words, bytes);
    for (uint32_t i = 0; i + 1 < length; i++)
      block->is_mark |= words[i] == MARK_FIRST && words[i + 1] == MARK_SECOND;
  }
  block->next = *bucket;
  *bucket = block;
  return block;
}

static void enter_block(struct block *block) {
  if (block->is_mark && section + 1 < SECTIONS) section++;
  __atomic_fetch_add(&block->counts[section], 1, __ATOMIC_RELAXED); /* threads may enter at once */
}

static void write_block(FILE *file, const struct block *block) {
  uint64_t total = 0;
  for (int i = 0; i <= section; i++) total += block->counts[i];
  if (!total) return;
  fprintf(file, "%" PRIx64 " ", block->address);
  for (int i = 0; i <= section; i++) fprintf(file, i ? ",%" PRIu64 : "%" PRIu64, block->counts[i]);
  for (uint32_t i = 0; i < block->length; i++) fprintf(file, " %08" PRIx32, block->words[i]);
  fputc('\n', file);
}

/* A line for every block that ran: ADDRESS COUNT,COUNT,... WORD WORD ... (hexadecimal address and
   words, a count a section). Returns 0 when all of it is written, else -1 with errno. */
static int write_blocks(FILE *file) {
  for (int i = 0; i < BUCKETS; i++)
    for (const struct block *block = buckets[i]; block; block = block->next)
      write_block(file, block);
  if (fflush(file) || ferror(file)) return -1;
  return fclose(file);
}

#endif
