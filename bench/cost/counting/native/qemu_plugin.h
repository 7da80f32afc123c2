/* The part of QEMU's interface for plugins that ours use: version 1, of QEMU 6.0 to 8.2, or, where
   QEMU_PLUGIN_VERSION says so, version 3, which QEMU takes from 9.1 on.

   Debian ships no header for it. Types and functions are described in QEMU's manual, under
   "TCG Plugins", and resolved in QEMU itself when it loads the plugin. */
#ifndef COST_QEMU_PLUGIN_H
#define COST_QEMU_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef QEMU_PLUGIN_VERSION
#define QEMU_PLUGIN_VERSION 1
#endif
#define PLUGIN_EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
enum qemu_plugin_mem_rw { QEMU_PLUGIN_MEM_R = 1, QEMU_PLUGIN_MEM_W, QEMU_PLUGIN_MEM_RW };

typedef void (*qemu_plugin_udata_cb_t)(qemu_plugin_id_t id, void *data);
typedef void (*qemu_plugin_vcpu_tb_trans_cb_t)(qemu_plugin_id_t id, struct qemu_plugin_tb *block);
typedef void (*qemu_plugin_vcpu_udata_cb_t)(unsigned int thread, void *data);
typedef void (*qemu_plugin_vcpu_mem_cb_t)(unsigned int thread, qemu_plugin_meminfo_t access,
                                          uint64_t address, void *data);

/* What a plugin gives to QEMU: the version it was made for, and where it begins (0: it works). */
PLUGIN_EXPORT extern int qemu_plugin_version;
PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int count,
                                      char **words);

/* When QEMU translates a block, and when the program ends. */
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                           qemu_plugin_vcpu_tb_trans_cb_t callback);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, qemu_plugin_udata_cb_t callback,
                                    void *data);

/* A translated block and its instructions: valid within the callback of its translation. */
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
#if QEMU_PLUGIN_VERSION < 3
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *instruction);
#else
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *instruction, void *bytes, size_t count);
#endif

static inline uint32_t instruction_word(const struct qemu_plugin_tb *block, size_t index) {
  const struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, index);
  uint32_t word = 0;
#if QEMU_PLUGIN_VERSION < 3
  memcpy(&word, qemu_plugin_insn_data(instruction), sizeof word);
#else
  qemu_plugin_insn_data(instruction, &word, sizeof word);
#endif
  return word;
}

/* When a block is entered, or an instruction reads or writes memory. */
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block,
                                          qemu_plugin_vcpu_udata_cb_t callback,
                                          enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *instruction,
                                      qemu_plugin_vcpu_mem_cb_t callback,
                                      enum qemu_plugin_cb_flags flags,
                                      enum qemu_plugin_mem_rw accesses, void *data);

/* One access: the logarithm of its bytes, and whether it writes. */
unsigned int qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t access);
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t access);

#endif
