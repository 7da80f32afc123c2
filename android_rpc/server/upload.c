#define _GNU_SOURCE
#include "upload.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "runtime.h"
#include "workspace.h"

static int bytes_argument(const TVMFFIAny *argument, TVMFFIByteArray *bytes) {
  if (argument->type_index == kTVMFFISmallBytes)
    *bytes = (TVMFFIByteArray){argument->v_bytes, argument->small_str_len};
  else if (argument->type_index == kTVMFFIByteArrayPtr)
    *bytes = *(const TVMFFIByteArray *)argument->v_ptr;
  else if (argument->type_index == kTVMFFIBytes)
    *bytes = *(const TVMFFIByteArray *)((const char *)argument->v_obj + sizeof(TVMFFIObject));
  else
    return raise_error("TypeError", "argument 1 is not bytes");
  return 0;
}

static int write_all(int fd, TVMFFIByteArray bytes) {
  while (bytes.size) {
    ssize_t written = write(fd, bytes.data, bytes.size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return -1;
    bytes.data += written;
    bytes.size -= (size_t)written;
  }
  return 0;
}

int upload(void *self, const TVMFFIAny *arguments, int32_t count, TVMFFIAny *result) {
  char name[PATH_MAX], path[PATH_MAX];
  TVMFFIByteArray bytes;
  (void)self, (void)result;
  if (string_argument(arguments, count, 0, name, sizeof name)) return -1;
  if (count < 2) return raise_error("TypeError", "argument 1 is missing");
  if (bytes_argument(&arguments[1], &bytes)) return -1;
  if (workspace_path(name, SESSION_FOLDER, path))
    return raise_error("ValueError", "%s: not a path in the server's work folder", name);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  int failed = fd < 0 || write_all(fd, bytes);
  int cause = errno;
  if (fd >= 0 && close(fd) && !failed) failed = 1, cause = errno;
  if (!failed) return 0;
  unlink(path);
  return raise_errno(cause, name);
}
