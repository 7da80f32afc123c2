#define _GNU_SOURCE
#include "channel.h"

#include "events.h"
#include "net.h"
#include "requests.h"
#include "runtime.h"

enum { CHUNK = 1 << 16, SEND_MS = 60000 };

static int send_bytes(void *self, const TVMFFIAny *arguments, int32_t count, TVMFFIAny *result) {
  const struct requests *requests = self;
  if (count != 1 || arguments->type_index != kTVMFFIByteArrayPtr)
    return raise_error("TypeError", "only bytes can be sent");
  const TVMFFIByteArray *bytes = arguments->v_ptr;
  if (send_all(requests->fd, bytes->data, bytes->size, now_ms() + SEND_MS))
    return raise_error("RuntimeError", "the client takes no answer");
  *result = (TVMFFIAny){.type_index = kTVMFFIInt, .v_int64 = (int64_t)bytes->size};
  return 0;
}

static int receive_bytes(void *self, const TVMFFIAny *arguments, int32_t count,
                         TVMFFIAny *result) {
  static char chunk[CHUNK];
  if (count != 1 || arguments->type_index != kTVMFFIInt || arguments->v_int64 <= 0)
    return raise_error("TypeError", "how many bytes are to be received?");
  size_t wanted = (uint64_t)arguments->v_int64 < CHUNK ? (size_t)arguments->v_int64 : CHUNK;
  return return_bytes(chunk, requests_receive(self, chunk, wanted), result);
}

int serve_channel(int fd, double idle_limit_s) {
  static struct requests requests;
  TVMFFIAny ends[2], none = {.type_index = kTVMFFINone};
  requests_begin(&requests, fd, idle_limit_s);
  if (runtime_function(send_bytes, &requests, &ends[0]) ||
      runtime_function(receive_bytes, &requests, &ends[1]))
    return -1;
  return runtime_call("rpc.ServerLoop", ends, 2, &none);
}
