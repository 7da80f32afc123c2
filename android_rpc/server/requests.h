/*
 * What a client may ask of its session, read as TVM frames it
 * (rpc_endpoint.cc): a 64-bit length, a 32-bit code, and what belongs to it.
 *
 * The first request starts a session in this process, nowhere else. After it,
 * any request of at most MAX_REQUEST bytes is passed on as it is; but global
 * functions other than those of a list are not found. Whoever has the key can
 * load a library, which may do anything: this keeps out accidents, and what
 * needs no library.
 */
#ifndef RPC_SERVER_REQUESTS_H
#define RPC_SERVER_REQUESTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { MAX_SMALL_REQUEST = 1024 };

/* No model is larger (that is ONNX's limit). */
#define MAX_REQUEST ((uint64_t)1 << 31)

struct requests {
  int fd;
  int64_t idle_ms; /* or NEVER */
  int started;     /* the first request has come */
  uint64_t left;   /* bytes of the request at hand that are still to come */
  size_t used, ready; /* of `head`: what begins a request, and was looked at */
  uint8_t head[sizeof(uint64_t) + MAX_SMALL_REQUEST];
};

/* Requests from the non-blocking `fd`, dropped after `idle_limit_s` seconds without a byte. */
void requests_begin(struct requests *requests, int fd, double idle_limit_s);

/*
 * The next bytes of requests that may pass: how many, at most `capacity`. 0 when the session is
 * over: the client left, was idle for too long, or sent what is refused (logged).
 */
size_t requests_receive(struct requests *requests, void *bytes, size_t capacity);

#endif
