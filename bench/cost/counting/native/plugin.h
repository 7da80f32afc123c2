/* What our plugins for QEMU have in common: their options, their end, and where their counts go.

   A plugin's options are counts=FILE, and first=ADDRESS and last=ADDRESS in hexadecimal, which say
   what code is of interest; it looks at its own with `option`. */
#ifndef COST_PLUGIN_H
#define COST_PLUGIN_H

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "qemu_plugin.h"

int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static FILE *file;
static pid_t plugin_process;
static uint64_t first, last = UINT64_MAX;

__attribute__((noreturn)) static void fail(const char *what) {
  fprintf(stderr, "plugin: %s\n", what);
  _exit(1);
}

/* What stands behind NAME= in a word, or NULL. */
static const char *option(const char *word, const char *name) {
  size_t length = strlen(name);
  return strncmp(word, name, length) || word[length] != '=' ? NULL : word + length + 1;
}

/* Whether this is the process that QEMU began with, not one that the program forked. */
static int is_own_process(void) { return getpid() == plugin_process; }

/* Takes the options that all plugins have, and has QEMU tell of translations and of the end. */
static void begin(qemu_plugin_id_t id, int count, char **words,
                  qemu_plugin_vcpu_tb_trans_cb_t translated, qemu_plugin_udata_cb_t ended) {
  for (int i = 0; i < count; i++) {
    const char *value;
    if ((value = option(words[i], "counts"))) file = fopen(value, "w");
    if ((value = option(words[i], "first"))) first = strtoull(value, NULL, 16);
    if ((value = option(words[i], "last"))) last = strtoull(value, NULL, 16);
  }
  if (!file) fail(strerror(errno));
  plugin_process = getpid();
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* the program does not outlive who counts */
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_atexit_cb(id, ended, NULL);
}

#endif
