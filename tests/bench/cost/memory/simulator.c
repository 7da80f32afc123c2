/* The cache simulator without QEMU: accesses on standard input, the events on standard output.

   simulator LEVEL1 LEVEL2 LEVEL3    reads lines "r ADDRESS BYTES" and "w ADDRESS BYTES", the address in
   hexadecimal */
#include "cache_plugin.c"

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block) { return (void)block, 0; }
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *block) { return (void)block, 0; }
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index) {
  return (void)block, (void)index, NULL;
}
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *one) { return one; }
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                           qemu_plugin_vcpu_tb_trans_cb_t callback) {
  (void)id, (void)callback;
}
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, qemu_plugin_udata_cb_t callback,
                                    void *data) {
  (void)id, (void)callback, (void)data;
}
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block,
                                          qemu_plugin_vcpu_udata_cb_t callback,
                                          enum qemu_plugin_cb_flags flags, void *data) {
  (void)block, (void)callback, (void)flags, (void)data;
}
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *one,
                                      qemu_plugin_vcpu_mem_cb_t callback,
                                      enum qemu_plugin_cb_flags flags,
                                      enum qemu_plugin_mem_rw accesses, void *data) {
  (void)one, (void)callback, (void)flags, (void)accesses, (void)data;
}
unsigned qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t access) { return access >> 1; }
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t access) { return access & 1; }

int main(int count, char **words) {
  if (count != 4) return 2;
  for (int i = 0; i < LEVELS; i++) set_up(&levels[i], words[i + 1]);
  struct instruction instruction = {.block = block_at(0)};
  char kind;
  unsigned long long address;
  unsigned bytes;
  while (scanf(" %c %llx %u", &kind, &address, &bytes) == 3)
    accessed(0, (unsigned)__builtin_ctz(bytes) << 1 | (kind == 'w'), address, &instruction);
  for (int event = 0; event < EVENTS; event++)
    printf("%llu\n", (unsigned long long)instruction.block->events[0][event]);
  return 0;
}
