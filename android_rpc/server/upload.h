/* How a client's file gets onto the device. */
#ifndef RPC_SERVER_UPLOAD_H
#define RPC_SERVER_UPLOAD_H

#include "runtime.h"

/*
 * upload(name, bytes): makes a file in the session's folder, whole or not at
 * all. The runtime's own function of that kind does not notice when the
 * storage is full, and to load half a library may crash.
 */
int upload(void *self, const TVMFFIAny *arguments, int32_t count, TVMFFIAny *result);

#endif
