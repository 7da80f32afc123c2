/* The TVM runtime, loaded at run time, through the C ABI of tvm-ffi. */
#ifndef RPC_SERVER_RUNTIME_H
#define RPC_SERVER_RUNTIME_H

#include <stddef.h>
#include <tvm/ffi/c_api.h>

/* Loads libtvm_ffi and libtvm_runtime (and its extras, if `extras`). 0, or -1. */
int runtime_load(int extras);

/* Makes `function` callable by clients under `name`. 0, or -1. */
int runtime_register(const char *name, TVMFFISafeCallType function);

/* Makes `result` a function object that calls `function` with `self`. 0, or -1. */
int runtime_function(TVMFFISafeCallType function, void *self, TVMFFIAny *result);

/* Calls the global function `name`. 0, or -1: an error is raised. */
int runtime_call(const char *name, const TVMFFIAny *arguments, int32_t count, TVMFFIAny *result);

/* Logs and clears the raised error. */
void runtime_log_error(const char *what);

/* For functions that clients call: */
int raise_error(const char *kind, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* An OSError as Python writes it, its number for programs, of the file `what`. */
int raise_errno(int number, const char *what);
int return_string(const char *bytes, size_t length, TVMFFIAny *result);
int return_bytes(const char *bytes, size_t length, TVMFFIAny *result);
int string_argument(const TVMFFIAny *arguments, int32_t count, int32_t index, char *text,
                    size_t capacity);

#endif
