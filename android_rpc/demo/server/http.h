/* The head of an HTTP/1.1 request (RFC 9112), of those that the demo's page makes. */
#ifndef DEMO_HTTP_H
#define DEMO_HTTP_H

#include <stddef.h>
#include <stdint.h>

enum { MAX_HEAD = 8192, MAX_FIELDS = 64 };
enum method { METHOD_GET, METHOD_POST, METHOD_OTHER };

struct request { /* texts lie in the head; NULL: not sent */
  enum method method;
  const char *path;
  const char *host, *origin, *connection, *upgrade, *expect;
  const char *websocket_key, *websocket_version;
  int64_t body_size; /* -1: not told */
};

/* The bytes of the head that `bytes` begins with, its empty line included; 0: not all is there. */
size_t http_head_size(const char *bytes, size_t size);

/* Reads a whole head, and changes it: 0, or the HTTP status of the refusal. */
int http_parse(char *head, size_t size, struct request *request);

/* Whether a field that is a list names `word`, in whatever case. */
int http_lists(const char *field, const char *word);

const char *http_reason(int status);

#endif
