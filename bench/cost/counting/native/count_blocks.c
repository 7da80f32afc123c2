/* Counts how often every block of instructions ran, from the log of QEMU's user-mode emulation.

   count_blocks FD FILE    with FD a pipe that `qemu-aarch64 -d in_asm,exec,nochain` writes to

   QEMU logs the instructions of a block when it translates it, and a line whenever it enters one.
   FILE is as blocks.h describes it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "blocks.h"

enum { MAX_WORDS = 4096, PIPE_SIZE = 1 << 20 };

/* the block that QEMU is describing; described is -1 between descriptions */
static int described = -1;
static uint64_t described_address;
static uint32_t described_words[MAX_WORDS];

__attribute__((noreturn)) static void fail(const char *what) {
  fprintf(stderr, "count_blocks: %s\n", what);
  exit(1);
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
  if (length && !add_block(described_address, described_words, length)) fail("no memory");
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
  enter_block(block);
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

int main(int count, char **words) {
  if (count != 3) fail("use: count_blocks FD FILE");
  /* and QEMU with it, which then writes to a pipe without a reader */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  read_log(atoi(words[1]));
  FILE *file = fopen(words[2], "w");
  if (!file || write_blocks(file)) fail(strerror(errno));
  return 0;
}
