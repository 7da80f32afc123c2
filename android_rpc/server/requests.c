#define _GNU_SOURCE
#include "requests.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <tvm/ffi/c_api.h>

#include "events.h"
#include "log.h"
#include "net.h"

/* minrpc/rpc_reference.h */
enum { INIT_SERVER = 2, GET_GLOBAL_FUNCTION = 9 };
enum { ANSWER_MS = 10000 };

/* A function of this name does not exist. */
static const char NO_FUNCTION = '!';

static const char *const FUNCTIONS[] = {
    "tvm.rpc.server.workpath",
    "tvm.rpc.server.upload",
    "tvm.rpc.server.download",
    "tvm.rpc.server.remove",
    "tvm.rpc.server.listdir",
    "tvm.rpc.server.load_module",
    "tvm.rpc.server.ImportModule",
    "tvm.rpc.server.ModuleGetFunction",
    "tvm.rpc.server.GetCRTMaxPacketSize", /* asked for before large copies; not there */
    "runtime.RPCTimeEvaluator",
    "tvm.contrib.random.random_fill_for_measure",
};

/* Begins the names of this server's own functions, all of which are for clients. */
static const char OURS[] = "depthbench.";

struct reader {
  uint8_t *next;
  size_t left;
};

static int take(struct reader *reader, void *value, size_t size) {
  if (reader->left < size) return -1;
  memcpy(value, reader->next, size);
  reader->next += size;
  reader->left -= size;
  return 0;
}

/* A 64-bit length and as many bytes, which stay where they are. */
static int take_bytes(struct reader *reader, uint8_t **bytes, size_t *length) {
  uint64_t size;
  if (take(reader, &size, sizeof size) || size > reader->left) return -1;
  *bytes = reader->next;
  *length = (size_t)size;
  reader->next += size;
  reader->left -= (size_t)size;
  return 0;
}

/* The version of the protocol, and no arguments: they would name where the session is served. */
static int vet_start(struct reader *reader) {
  uint8_t *version;
  size_t length;
  int32_t arguments;
  if (take_bytes(reader, &version, &length) || take(reader, &arguments, sizeof arguments) ||
      reader->left)
    return -1;
  if (arguments == 0) return 0;
  log_line("refused a session that is to be served elsewhere");
  return -1;
}

static int known_function(const uint8_t *name, size_t length) {
  if (length > strlen(OURS) && !memcmp(OURS, name, strlen(OURS))) return 1;
  for (size_t i = 0; i < sizeof FUNCTIONS / sizeof *FUNCTIONS; i++)
    if (strlen(FUNCTIONS[i]) == length && !memcmp(FUNCTIONS[i], name, length)) return 1;
  return 0;
}

/* One argument, a string, as C++ passes it or as an object. */
static int vet_lookup(struct reader *reader) {
  int32_t arguments, type;
  uint32_t object_type;
  uint8_t *name;
  size_t length;
  if (take(reader, &arguments, sizeof arguments) || arguments != 1 ||
      take(reader, &type, sizeof type))
    return -1;
  if (type != kTVMFFIRawStr) {
    if (type != kTVMFFISmallStr && type != kTVMFFIStr) return -1;
    if (take(reader, &object_type, sizeof object_type) || object_type != kTVMFFIStr) return -1;
  }
  if (take_bytes(reader, &name, &length) || reader->left) return -1;
  if (length && !known_function(name, length)) {
    log_line("no function for clients: %.*s", (int)length, (const char *)name);
    name[0] = (uint8_t)NO_FUNCTION;
  }
  return 0;
}

/* Reads what begins the next request, and all of one that has to be looked at. */
static int next_request(struct requests *requests) {
  uint64_t length;
  int32_t code;
  size_t needed = sizeof length + sizeof code;
  int64_t deadline = now_ms() + ANSWER_MS;
  if (receive_all(requests->fd, requests->head, needed, deadline)) return -1;
  struct reader reader = {requests->head, needed};
  take(&reader, &length, sizeof length);
  take(&reader, &code, sizeof code);
  int looked_at = code == INIT_SERVER || code == GET_GLOBAL_FUNCTION;
  if (length < sizeof code || length > (looked_at ? MAX_SMALL_REQUEST : MAX_REQUEST)) {
    log_line("refused a request of %llu bytes", (unsigned long long)length);
    return -1;
  }
  if ((code == INIT_SERVER) == requests->started) {
    log_line("refused a request out of order");
    return -1;
  }
  requests->started = 1;
  requests->left = length - sizeof code;
  requests->used = 0;
  requests->ready = needed;
  if (!looked_at) return 0;
  reader = (struct reader){requests->head + needed, (size_t)requests->left};
  if (receive_all(requests->fd, reader.next, reader.left, deadline)) return -1;
  requests->ready += reader.left;
  requests->left = 0;
  if ((code == INIT_SERVER ? vet_start : vet_lookup)(&reader) == 0) return 0;
  log_line("refused a request that is not what it says");
  return -1;
}

/* 0 when bytes have come, or the client's end of the connection. */
static int wait_for_bytes(const struct requests *requests) {
  int64_t deadline = requests->idle_ms == NEVER ? NEVER : now_ms() + requests->idle_ms;
  for (;;) {
    enum event event = wait_event(requests->fd, POLLIN, deadline);
    if (event == EVENT_READY) return 0;
    if (event == EVENT_CHILD) continue;
    if (event == EVENT_TIMEOUT) log_line("dropped a client that was idle for too long");
    return -1;
  }
}

/* Bytes of the request at hand, which need no look. */
static size_t pass_on(struct requests *requests, void *bytes, size_t capacity) {
  for (;;) {
    ssize_t received = recv(requests->fd, bytes, capacity, 0);
    if (received > 0) {
      requests->left -= (uint64_t)received;
      return (size_t)received;
    }
    if (received == 0 || (errno != EAGAIN && errno != EINTR)) return 0;
    if (errno == EAGAIN && wait_for_bytes(requests)) return 0;
  }
}

void requests_begin(struct requests *requests, int fd, double idle_limit_s) {
  memset(requests, 0, sizeof *requests);
  requests->fd = fd;
  requests->idle_ms = idle_limit_s > 0 ? (int64_t)(idle_limit_s * 1000) : NEVER;
}

size_t requests_receive(struct requests *requests, void *bytes, size_t capacity) {
  if (requests->used == requests->ready && !requests->left)
    if (wait_for_bytes(requests) || next_request(requests)) return 0;
  size_t waiting = requests->ready - requests->used;
  if (!waiting)
    return pass_on(requests, bytes, capacity < requests->left ? capacity : requests->left);
  if (capacity > waiting) capacity = waiting;
  memcpy(bytes, requests->head + requests->used, capacity);
  requests->used += capacity;
  return capacity;
}
