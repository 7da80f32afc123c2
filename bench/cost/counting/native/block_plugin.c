/* A plugin for QEMU that counts how often every block of instructions ran.

   qemu-aarch64 -plugin file=PLUGIN,counts=FILE[,first=ADDRESS,last=ADDRESS][,thread=NUMBER]

   FILE is as blocks.h describes it. With addresses, which are hexadecimal, only blocks that begin
   there are counted; with a thread, by the order in which the program started them from 0 on, only
   what it ran, and the marks. */
#include "blocks.h"
#include "plugin.h"

enum { MAX_WORDS = 4096 };

static long counted_thread = -1;

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
  if (is_own_process() && write_blocks(file)) fail(strerror(errno));
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int count, char **words) {
  (void)info;
  begin(id, count, words, translated, ended);
  for (int i = 0; i < count; i++) {
    const char *value = option(words[i], "thread");
    if (value) counted_thread = atol(value);
  }
  return 0;
}
