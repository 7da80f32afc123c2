#define _GNU_SOURCE
#include "runtime.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

static struct {
  __typeof__(TVMFFIGetVersion) *version;
  __typeof__(TVMFFIFunctionGetGlobal) *get_global;
  __typeof__(TVMFFIFunctionSetGlobal) *set_global;
  __typeof__(TVMFFIFunctionCreate) *create;
  __typeof__(TVMFFIFunctionCall) *call;
  __typeof__(TVMFFIObjectDecRef) *release;
  __typeof__(TVMFFIStringFromByteArray) *make_string;
  __typeof__(TVMFFIBytesFromByteArray) *make_bytes;
  __typeof__(TVMFFIErrorSetRaisedFromCStr) *raise;
  __typeof__(TVMFFIErrorMoveFromRaised) *take_error;
} ffi;

static void *open_library(const char *name) {
  void *library = dlopen(name, RTLD_NOW | RTLD_GLOBAL);
  if (!library) log_line("cannot load %s: %s", name, dlerror());
  return library;
}

static int find_symbols(void *library) {
  const struct {
    const char *name;
    void *slot;
  } wanted[] = {
      {"TVMFFIGetVersion", &ffi.version},
      {"TVMFFIFunctionGetGlobal", &ffi.get_global},
      {"TVMFFIFunctionSetGlobal", &ffi.set_global},
      {"TVMFFIFunctionCreate", &ffi.create},
      {"TVMFFIFunctionCall", &ffi.call},
      {"TVMFFIObjectDecRef", &ffi.release},
      {"TVMFFIStringFromByteArray", &ffi.make_string},
      {"TVMFFIBytesFromByteArray", &ffi.make_bytes},
      {"TVMFFIErrorSetRaisedFromCStr", &ffi.raise},
      {"TVMFFIErrorMoveFromRaised", &ffi.take_error},
  };
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
    void *symbol = dlsym(library, wanted[i].name);
    if (!symbol) {
      log_line("libtvm_ffi.so has no %s", wanted[i].name);
      return -1;
    }
    memcpy(wanted[i].slot, &symbol, sizeof symbol);
  }
  return 0;
}

int runtime_load(int extras) {
  TVMFFIVersion found;
  void *library = open_library("libtvm_ffi.so");
  if (!library || find_symbols(library)) return -1;
  ffi.version(&found);
  if (found.major != TVM_FFI_VERSION_MAJOR || found.minor != TVM_FFI_VERSION_MINOR) {
    log_line("libtvm_ffi.so is %u.%u, this server was built for %d.%d", found.major, found.minor,
             TVM_FFI_VERSION_MAJOR, TVM_FFI_VERSION_MINOR);
    return -1;
  }
  if (!open_library("libtvm_runtime.so")) return -1;
  return extras && !open_library("libtvm_runtime_extra.so") ? -1 : 0;
}

static TVMFFIByteArray byte_array(const char *text) {
  return (TVMFFIByteArray){text, strlen(text)};
}

int runtime_register(const char *name, TVMFFISafeCallType function) {
  TVMFFIByteArray key = byte_array(name);
  TVMFFIObjectHandle handle = NULL;
  if (ffi.create(NULL, function, NULL, &handle)) return -1;
  int failed = ffi.set_global(&key, handle, /*allow_override=*/1);
  ffi.release(handle);
  return failed ? -1 : 0;
}

int runtime_function(TVMFFISafeCallType function, void *self, TVMFFIAny *result) {
  TVMFFIObjectHandle handle = NULL;
  if (ffi.create(self, function, NULL, &handle)) return -1;
  *result = (TVMFFIAny){.type_index = kTVMFFIFunction, .v_obj = handle};
  return 0;
}

int runtime_call(const char *name, const TVMFFIAny *arguments, int32_t count, TVMFFIAny *result) {
  TVMFFIByteArray key = byte_array(name);
  TVMFFIObjectHandle function = NULL;
  if (ffi.get_global(&key, &function)) return -1;
  if (!function) return raise_error("RuntimeError", "the TVM runtime has no %s", name);
  int failed = ffi.call(function, (TVMFFIAny *)arguments, count, result);
  ffi.release(function);
  return failed ? -1 : 0;
}

void runtime_log_error(const char *what) {
  TVMFFIObjectHandle error = NULL;
  ffi.take_error(&error);
  if (!error) {
    log_line("%s failed", what);
    return;
  }
  const TVMFFIErrorCell *cell = (const void *)((const char *)error + sizeof(TVMFFIObject));
  log_line("%s failed: %.*s: %.*s", what, (int)cell->kind.size, cell->kind.data,
           (int)cell->message.size, cell->message.data);
  ffi.release(error);
}

int raise_error(const char *kind, const char *format, ...) {
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  ffi.raise(kind, text);
  return -1;
}

int raise_errno(int number, const char *what) {
  return raise_error("OSError", "[Errno %d] %s: %s", number, strerror(number), what);
}

int return_string(const char *bytes, size_t length, TVMFFIAny *result) {
  TVMFFIByteArray text = {bytes, length};
  return ffi.make_string(&text, result);
}

int return_bytes(const char *bytes, size_t length, TVMFFIAny *result) {
  TVMFFIByteArray array = {bytes, length};
  return ffi.make_bytes(&array, result);
}

int string_argument(const TVMFFIAny *arguments, int32_t count, int32_t index, char *text,
                    size_t capacity) {
  TVMFFIByteArray given;
  if (index >= count) return raise_error("TypeError", "argument %d is missing", (int)index);
  const TVMFFIAny *argument = &arguments[index];
  if (argument->type_index == kTVMFFIRawStr)
    given = byte_array(argument->v_c_str);
  else if (argument->type_index == kTVMFFISmallStr)
    given = (TVMFFIByteArray){argument->v_bytes, argument->small_str_len};
  else if (argument->type_index == kTVMFFIStr)
    given = *(const TVMFFIByteArray *)((const char *)argument->v_obj + sizeof(TVMFFIObject));
  else
    return raise_error("TypeError", "argument %d is not a string", (int)index);
  if (given.size >= capacity || memchr(given.data, '\0', given.size))
    return raise_error("ValueError", "argument %d is too long or holds a zero byte", (int)index);
  memcpy(text, given.data, given.size);
  text[given.size] = '\0';
  return 0;
}
