/* A plugin for QEMU that counts how often every block of instructions ran.

   qemu-aarch64 -plugin file=PLUGIN,counts=FILE[,first=ADDRESS,last=ADDRESS][,thread=NUMBER]

   FILE is as blocks.h describes it. With addresses, which are hexadecimal, only blocks that begin
   there are counted; with a thread, by the order in which the program started them from 0 on, only
   what it ran, and the marks. */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "blocks.h"
#include "qemu_plugin.h"

enum { MAX_WORDS = 4096 };

int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static FILE *file;
static pid_t counted_process;
static uint64_t first, last = UINT64_MAX;
static long counted_thread = -1;

__attribute__((noreturn)) static void fail(const char *what) {
  fprintf(stderr, "block_plugin: %s\n", what);
  _exit(1);
}

static void enter(unsigned thread, void *data) {
  struct block *block = data;
  if (counted_thread < 0 || thread == (unsigned)counted_thread || block->is_mark)
    enter_block(block);
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *translation) {
  (void)id;
  static uint32_t words[MAX_WORDS];
  uint64_t address = qemu_plugin_tb_vaddr(translation);
  size_t length = qemu_plugin_tb_n_insns(translation);
  if (address < first || address > last) return;
  if (length > MAX_WORDS) fail("a block is too long");
  for (size_t i = 0; i < length; i++) words[i] = instruction_word(translation, i);
  struct block *block = add_block(address, words, (uint32_t)length);
  if (!block) fail("no memory");
  qemu_plugin_register_vcpu_tb_exec_cb(translation, enter, QEMU_PLUGIN_CB_NO_REGS, block);
}

static void ended(qemu_plugin_id_t id, void *data) {
  (void)id, (void)data;
  if (getpid() != counted_process) return; /* a process that the program forked */
  if (write_blocks(file)) fail(strerror(errno));
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int count, char **words) {
  (void)info;
  for (int i = 0; i < count; i++) {
    if (!strncmp(words[i], "counts=", 7)) file = fopen(words[i] + 7, "w");
    if (!strncmp(words[i], "first=", 6)) first = strtoull(words[i] + 6, NULL, 16);
    if (!strncmp(words[i], "last=", 5)) last = strtoull(words[i] + 5, NULL, 16);
    if (!strncmp(words[i], "thread=", 7)) counted_thread = atol(words[i] + 7);
  }
  if (!file) fail(strerror(errno));
  counted_process = getpid();
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* the program does not outlive who counts */
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_atexit_cb(id, ended, NULL);
  return 0;
}
