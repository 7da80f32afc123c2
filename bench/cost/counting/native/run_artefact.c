/* Runs a compiled model several times in this process, with a mark around every inference.

   run_artefact LIBRARY RUNS FOLDER TYPE:DIM,DIM,... ...

   The bytes of input i are read from FOLDER/input<i>, those of output i are written to
   FOLDER/output<i>, and where libraries lie in memory to FOLDER/maps, last of all. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tvm/ffi/c_api.h>

#include "mark.h"

enum { MAX_RANK = 8, ALIGNMENT = 64, CPU_POOL = 2 };

static const char *folder;

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(1);
}

__attribute__((noreturn)) static void fail_in_tvm(const char *what) {
  TVMFFIObjectHandle error = NULL;
  TVMFFIErrorMoveFromRaised(&error);
  if (!error) fail("%s failed", what);
  const TVMFFIErrorCell *cell = (const void *)((const char *)error + sizeof(TVMFFIObject));
  fail("%s: %.*s", what, (int)cell->message.size, cell->message.data);
}

static FILE *open_in_folder(const char *name, int index, const char *mode) {
  char path[PATH_MAX];
  int length = index < 0 ? snprintf(path, sizeof path, "%s/%s", folder, name)
                         : snprintf(path, sizeof path, "%s/%s%d", folder, name, index);
  if (length < 0 || (size_t)length >= sizeof path) fail("%s: the path is too long", folder);
  FILE *file = fopen(path, mode);
  if (!file) fail("%s: %s", path, strerror(errno));
  return file;
}

static TVMFFIAny text(const char *value) {
  return (TVMFFIAny){.type_index = kTVMFFIRawStr, .v_c_str = value};
}

static TVMFFIAny number(int64_t value) {
  return (TVMFFIAny){.type_index = kTVMFFIInt, .v_int64 = value};
}

static TVMFFIAny call(TVMFFIObjectHandle function, TVMFFIAny *arguments, int count,
                      const char *what) {
  TVMFFIAny result = {.type_index = kTVMFFINone};
  if (TVMFFIFunctionCall(function, arguments, count, &result)) fail_in_tvm(what);
  return result;
}

static TVMFFIObjectHandle global(const char *name) {
  TVMFFIByteArray key = {name, strlen(name)};
  TVMFFIObjectHandle function = NULL;
  if (TVMFFIFunctionGetGlobal(&key, &function) || !function) fail("TVM's runtime has no %s", name);
  return function;
}

static TVMFFIObjectHandle method(TVMFFIAny module, const char *name) {
  TVMFFIAny arguments[] = {module, text(name), {.type_index = kTVMFFIBool, .v_int64 = 1}};
  TVMFFIAny found = call(global("ffi.ModuleGetFunction"), arguments, 3, name);
  if (found.type_index != kTVMFFIFunction) fail("the model has no %s", name);
  return found.v_obj;
}

static size_t bytes_of(const DLTensor *tensor) {
  size_t count = 1;
  for (int i = 0; i < tensor->ndim; i++) count *= (size_t)tensor->shape[i];
  return (count * tensor->dtype.bits * tensor->dtype.lanes + 7) / 8;
}

static void read_input(char *spec, int index, DLTensor *tensor) {
  static int64_t shapes[64][MAX_RANK];
  char *dimensions = strchr(spec, ':');
  if (!dimensions || index >= 64) fail("%s: not an input such as float32:1,3,224,224", spec);
  TVMFFIByteArray type = {spec, (size_t)(dimensions - spec)};
  if (TVMFFIDataTypeFromString(&type, &tensor->dtype)) fail_in_tvm("type of an input");
  tensor->device = (DLDevice){kDLCPU, 0};
  tensor->shape = shapes[index];
  for (char *at = dimensions; *at && tensor->ndim < MAX_RANK; )
    tensor->shape[tensor->ndim++] = strtoll(at + 1, &at, 10);
  size_t bytes = bytes_of(tensor);
  tensor->data = aligned_alloc(ALIGNMENT, (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
  FILE *file = open_in_folder("input", index, "rb");
  if (!tensor->data || fread(tensor->data, 1, bytes, file) != bytes)
    fail("input %d does not hold %zu bytes", index, bytes);
  fclose(file);
}

static void set_inputs(TVMFFIAny machine, int count, char **specs) {
  DLTensor *tensors = calloc((size_t)count + 1, sizeof *tensors);
  TVMFFIAny *arguments = calloc((size_t)count + 1, sizeof *arguments);
  if (!tensors || !arguments) fail("no memory");
  arguments[0] = text("main");
  for (int i = 0; i < count; i++) {
    read_input(specs[i], i, &tensors[i]);
    arguments[i + 1].type_index = kTVMFFIDLTensorPtr;
    arguments[i + 1].v_ptr = &tensors[i];
  }
  call(method(machine, "set_input"), arguments, count + 1, "set_input");
}

static void write_outputs(TVMFFIAny machine) {
  TVMFFIAny arguments[] = {text("main"), number(0)};
  int64_t arity = call(method(machine, "get_output_arity"), arguments, 1, "outputs").v_int64;
  for (int i = 0; i < (arity < 0 ? 1 : (int)arity); i++) {
    arguments[1] = number(i);
    TVMFFIAny output =
        call(method(machine, "get_output"), arguments, arity < 0 ? 1 : 2, "get_output");
    if (output.type_index != kTVMFFITensor) fail("output %d is not a tensor", i);
    const DLTensor *tensor = (const void *)((const char *)output.v_obj + sizeof(TVMFFIObject));
    FILE *file = open_in_folder("output", i, "wb");
    size_t bytes = bytes_of(tensor);
    const char *data = (const char *)tensor->data + tensor->byte_offset;
    if (fwrite(data, 1, bytes, file) != bytes || fclose(file)) fail("cannot write output %d", i);
  }
}

static void write_maps(void) {
  char line[PATH_MAX + 256];
  FILE *from = fopen("/proc/self/maps", "r"), *to = open_in_folder("maps", -1, "w");
  if (!from) fail("/proc/self/maps: %s", strerror(errno));
  while (fgets(line, sizeof line, from)) fputs(line, to);
  fclose(from);
  if (fclose(to)) fail("cannot write the maps");
}

int main(int count, char **words) {
  if (count < 4) fail("use: run_artefact LIBRARY RUNS FOLDER TYPE:DIM,DIM,... ...");
  int runs = atoi(words[2]);
  folder = words[3];
  dlopen("libtvm_runtime_extra.so", RTLD_NOW | RTLD_GLOBAL); /* few models need it */
  TVMFFIAny arguments[] = {text(words[1]), number(0), number(0)};
  TVMFFIAny library = call(global("ffi.ModuleLoadFromFile"), arguments, 1, "loading the model");
  TVMFFIAny machine = call(method(library, "vm_load_executable"), NULL, 0, "vm_load_executable");
  arguments[0] = number(kDLCPU);
  arguments[2] = number(CPU_POOL);
  call(method(machine, "vm_initialization"), arguments, 3, "vm_initialization");
  set_inputs(machine, count - 4, words + 4);
  TVMFFIObjectHandle invoke = method(machine, "invoke_stateful");
  for (int i = 0; i < runs; i++) {
    mark();
    arguments[0] = text("main");
    call(invoke, arguments, 1, "inference");
  }
  mark();
  write_outputs(machine);
  write_maps();
  _Exit(0); /* what the runtime does at its end is of no interest */
}
