/* Counts how often every block of instructions ran, from the log of QEMU's user-mode emulation.

   count_blocks FD FILE    with FD a pipe that `qemu-aarch64 -d in_asm,exec,nochain` writes to

   QEMU logs the instructions of a block when it translates it, and a line whenever it enters one.
   Marks in the program (mark.h) cut its life into sections: before the first mark, between marks,
   after the last one. FILE gets a line for every block that ran:

   ADDRESS COUNT,COUNT,... WORD WORD ...    (hexadecimal address and words, a count a section) */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "mark.h"

enum { BUCKETS = 1 << 16, SECTIONS = 16, MAX_WORDS = 4096, PIPE_SIZE = 1 << 20 };

struct block {
  struct block *next;
  uint64_t address, counts[SECTIONS];
  int is_mark;
  uint32_t length, words[];
};

static struct block *buckets[BUCKETS];
static int section;

/* the block that QEMU is describing; described is -1 between descriptions */
static int described = -1;
static uint64_t described_address;
static uint32_t described_words[MAX_WORDS];

__attribute__((noreturn)) static void fail(const char *what) {
  fprintf(stderr, "count_blocks: %s\n", what);
  exit(1);
}

static struct block **bucket_of(uint64_t address) {
  return &buckets[(address >> 2) % BUCKETS];
}

/* Hexadecimal digits at *at, which is moved behind them. */
static uint64_t hexadecimal(const char **at) {
  uint64_t value = 0;
  for (;; ++*at) {
    unsigned digit = (unsigned char)**at;
    if (digit - '0' < 10)
      digit -= '0';
    else if ((digit | 32) - 'a' < 6)
      digit = (digit | 32) - 'a' + 10;
    else
      return value;
    value = value << 4 | digit;
  }
}

/* The newest block of an address comes first: its code may have been replaced. */
static void end_description(void) {
  uint32_t length = described > 0 ? (uint32_t)described : 0;
  described = -1;
  if (!length) return;
  struct block **bucket = bucket_of(described_address), *block = *bucket;
  while (block && block->address != described_address) block = block->next;
  if (block && block->length == length &&
      !memcmp(block->words, described_words, length * sizeof *block->words))
    return;
  block = calloc(1, sizeof *block + length * sizeof *block->words);
  if (!block) fail("no memory");
  block->address = described_address;
  block->length = length;
  memcpy(block->words, described_words, length * sizeof *block->words);
  for (uint32_t i = 0; i + 1 < length; i++)
    block->is_mark |= block->words[i] == MARK_FIRST && block->words[i + 1] == MARK_SECOND;
  block->next = *bucket;
  *bucket = block;
}

/* Such as "0x00400580:  d280001d  movz     x29, #0". */
static void describe(const char *line) {
  const char *at = line + 2;
  uint64_t address = hexadecimal(&at);
  if (*at != ':') return;
  for (at++; *at == ' ';) at++;
  const char *start = at;
  uint64_t word = hexadecimal(&at);
  if (at - start != 8) return;
  if (described == MAX_WORDS) fail("a block is too long");
  if (described == 0) described_address = address;
  described_words[described++] = (uint32_t)word;
}

/* Such as "Trace 0: 0x7f83c7c00240 [00000000/0000000000400580/00000001/00000200] name". */
static void enter(const char *line) {
  const char *at = strchr(line, '[');
  if (!at || !(at = strchr(at, '/'))) fail("QEMU's log has an unknown form");
  at++;
  uint64_t address = hexadecimal(&at);
  struct block *block = *bucket_of(address);
  while (block && block->address != address) block = block->next;
  if (!block) fail("QEMU ran a block that it did not describe");
  if (block->is_mark && section + 1 < SECTIONS) section++;
  block->counts[section]++;
}

static void take(const char *line) {
  if (line[0] == 'T' && !strncmp(line, "Trace ", 6)) {
    if (described >= 0) end_description();
    enter(line);
  } else if (!strncmp(line, "IN:", 3)) {
    described = 0;
  } else if (described >= 0 && !strncmp(line, "0x", 2)) {
    describe(line);
  } else if (described >= 0 && (line[0] == '\0' || line[0] == '-')) {
    end_description();
  }
}

/* Many lines at once: a reader that wakes for every line costs more than QEMU itself. */
static void gather(int fd) {
  struct pollfd ready = {fd, POLLIN, 0};
  struct timespec moment = {0, 1000000};
  if (poll(&ready, 1, -1) > 0 && !(ready.revents & POLLHUP)) nanosleep(&moment, NULL);
}

static void read_log(int fd) {
  static char buffer[2 * PIPE_SIZE + 1];
  size_t kept = 0;
  fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
  for (;;) {
    gather(fd);
    ssize_t got = read(fd, buffer + kept, sizeof buffer - 1 - kept);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    char *line = buffer, *end = buffer + kept + got;
    for (char *stop; (stop = memchr(line, '\n', (size_t)(end - line))); line = stop + 1) {
      *stop = '\0';
      take(line);
    }
    kept = (size_t)(end - line);
    if (kept == sizeof buffer - 1) fail("a line of QEMU's log is too long");
    memmove(buffer, line, kept);
  }
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

int main(int count, char **words) {
  if (count != 3) fail("use: count_blocks FD FILE");
  /* and QEMU with it, which then writes to a pipe without a reader */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  read_log(atoi(words[1]));
  FILE *file = fopen(words[2], "w");
  if (!file) fail(strerror(errno));
  for (int i = 0; i < BUCKETS; i++)
    for (const struct block *block = buckets[i]; block; block = block->next)
      write_block(file, block);
  if (fclose(file)) fail("cannot write the counts");
  return 0;
}
