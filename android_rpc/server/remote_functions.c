#define _GNU_SOURCE
#include "remote_functions.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu_list.h"
#include "identity.h"
#include "kernel_file.h"
#include "log.h"
#include "profile.h"
#include "runtime.h"
#include "upload.h"
#include "workspace.h"

enum { MAX_TEXT = 1 << 16 };

static int workspace_argument(const TVMFFIAny *arguments, int32_t count, enum workspace_part part,
                              char path[PATH_MAX]) {
  char name[PATH_MAX];
  if (string_argument(arguments, count, 0, name, sizeof name)) return -1;
  return workspace_path(name, part, path)
             ? raise_error("ValueError", "%s: not a path in the server's work folder", name)
             : 0;
}

/* The runtime asks for it in upload, download and remove. */
static int work_path(void *self, const TVMFFIAny *arguments, int32_t count, TVMFFIAny *result) {
  char path[PATH_MAX];
  (void)self;
  if (workspace_argument(arguments, count, SESSION_FOLDER, path)) return -1;
  return return_string(path, strlen(path), result);
}

/* Files that were put beside the sessions' folders (pushed by cable) can be loaded as well. */
static int load_module(void *self, const TVMFFIAny *arguments, int32_t count, TVMFFIAny *result) {
  char path[PATH_MAX];
  (void)self;
  if (workspace_argument(arguments, count, WHOLE_WORKSPACE, path)) return -1;
  TVMFFIAny argument = {.type_index = kTVMFFIRawStr, .v_c_str = path};
  log_line("load %s", path);
  return runtime_call("ffi.ModuleLoadFromFile", &argument, 1, result);
}

static int list_folder(void *self, const TVMFFIAny *arguments, int32_t count, TVMFFIAny *result) {
  char path[PATH_MAX], names[MAX_TEXT];
  size_t used = 0;
  (void)self;
  if (workspace_argument(arguments, count, WHOLE_WORKSPACE, path)) return -1;
  DIR *listing = opendir(path);
  if (!listing) return raise_errno(errno, path);
  for (struct dirent *entry; (entry = readdir(listing));) {
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
    int length = snprintf(names + used, sizeof names - used, "%s%s", used ? "," : "",
                          entry->d_name);
    if (length < 0 || used + (size_t)length >= sizeof names) break;
    used += (size_t)length;
  }
  closedir(listing);
  return return_string(names, used, result);
}

/* The kernel's text files only: clocks, temperatures, cores. */
static int read_file(void *self, const TVMFFIAny *arguments, int32_t count, TVMFFIAny *result) {
  char name[PATH_MAX], path[PATH_MAX], text[MAX_TEXT];
  (void)self;
  if (string_argument(arguments, count, 0, name, sizeof name)) return -1;
  if (!realpath(name, path)) return raise_errno(errno, name);
  if (strncmp(path, "/proc/", 6) && strncmp(path, "/sys/", 5))
    return raise_error("ValueError", "%s: not a file of /proc or /sys", name);
  ssize_t size = read_kernel_file(path, text, sizeof text);
  return size < 0 ? raise_errno(errno, name) : return_string(text, (size_t)size, result);
}

/* The CPUs that the session may run on; with an argument, sets them first. */
static int affinity(void *self, const TVMFFIAny *arguments, int32_t count, TVMFFIAny *result) {
  cpu_set_t cpus;
  char wanted[512], text[8192];
  (void)self;
  if (count > 0) {
    if (string_argument(arguments, count, 0, wanted, sizeof wanted)) return -1;
    if (parse_cpu_list(wanted, &cpus))
      return raise_error("ValueError", "%s: not a list of CPUs such as 0,4-7", wanted);
    if (sched_setaffinity(0, sizeof cpus, &cpus))
      return raise_error("OSError", "cannot run on CPUs %s: %s", wanted, strerror(errno));
  }
  if (sched_getaffinity(0, sizeof cpus, &cpus))
    return raise_error("OSError", "cannot read the affinity: %s", strerror(errno));
  int length = format_cpu_list(&cpus, text, sizeof text);
  return length < 0 ? raise_error("OSError", "too many CPUs")
                    : return_string(text, (size_t)length, result);
}

int register_remote_functions(void) {
  return runtime_register("tvm.rpc.server.workpath", work_path) ||
                 runtime_register("tvm.rpc.server.upload", upload) ||
                 runtime_register("tvm.rpc.server.load_module", load_module) ||
                 runtime_register("tvm.rpc.server.listdir", list_folder) ||
                 runtime_register("depthbench.read_file", read_file) ||
                 runtime_register("depthbench.affinity", affinity) || register_identity() ||
                 register_profile()
             ? -1
             : 0;
}
