#define _GNU_SOURCE
#include "http.h"

#include <string.h>
#include <strings.h>

enum { MAX_LENGTH_DIGITS = 15 };

size_t http_head_size(const char *bytes, size_t size) {
  const char *end = memmem(bytes, size, "\r\n\r\n", 4);
  return end ? (size_t)(end - bytes) + 4 : 0;
}

/* The characters of names and methods: RFC 9110, 5.6.2. */
static int is_token(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* Ends the line at `at` with a zero: the next one, or NULL where it has other bytes than text. */
static char *cut_line(char *at) {
  for (; *at != '\r'; at++)
    if ((unsigned char)*at < 0x20 && *at != '\t') return NULL;
  *at = '\0';
  return at[1] == '\n' ? at + 2 : NULL;
}

static int parse_request_line(char *line, struct request *request) {
  char *method = line;
  while (is_token(*line)) line++;
  if (line == method || *line != ' ') return 400;
  *line++ = '\0';
  request->method = !strcmp(method, "GET")    ? METHOD_GET
                    : !strcmp(method, "POST") ? METHOD_POST
                                              : METHOD_OTHER;
  request->path = line;
  while (*line > ' ' && *line < 0x7f) line++;
  if (*request->path != '/' || *line != ' ') return 400;
  *line++ = '\0';
  if (strncmp(line, "HTTP/", 5)) return 400;
  return strcmp(line, "HTTP/1.1") ? 505 : 0;
}

static int parse_length(const char *text, int64_t *size) {
  *size = 0;
  if (!*text || strlen(text) > MAX_LENGTH_DIGITS) return -1;
  for (; *text; text++) {
    if (*text < '0' || *text > '9') return -1;
    *size = *size * 10 + (*text - '0');
  }
  return 0;
}

/* A field's place in the request; NULL where nobody asks for it. */
static const char **find_field(struct request *request, const char *name) {
  const struct {
    const char *name, **value;
  } FIELDS[] = {
      {"host", &request->host},
      {"origin", &request->origin},
      {"connection", &request->connection},
      {"upgrade", &request->upgrade},
      {"expect", &request->expect},
      {"sec-websocket-key", &request->websocket_key},
      {"sec-websocket-version", &request->websocket_version},
  };
  for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++)
    if (!strcasecmp(name, FIELDS[i].name)) return FIELDS[i].value;
  return NULL;
}

static int parse_field(char *line, struct request *request) {
  char *name = line;
  while (is_token(*line)) line++;
  if (line == name || *line != ':') return 400;
  *line++ = '\0';
  line += strspn(line, " \t");
  char *end = line + strlen(line);
  while (end > line && (end[-1] == ' ' || end[-1] == '\t')) *--end = '\0';
  if (!strcasecmp(name, "transfer-encoding")) return 501;
  if (!strcasecmp(name, "content-length"))
    return request->body_size >= 0 || parse_length(line, &request->body_size) ? 400 : 0;
  const char **value = find_field(request, name);
  if (!value) return 0;
  if (*value) return 400; /* twice: which of them would count? */
  *value = line;
  return 0;
}

int http_parse(char *head, size_t size, struct request *request) {
  char *end = head + size - 2, *line = head, *next = cut_line(head);
  int status;
  *request = (struct request){.body_size = -1};
  if (!next) return 400;
  if ((status = parse_request_line(line, request))) return status;
  for (int count = 0; next < end; count++) {
    line = next;
    if (!(next = cut_line(line))) return 400;
    if (count == MAX_FIELDS) return 431;
    if ((status = parse_field(line, request))) return status;
  }
  return request->host ? 0 : 400;
}

int http_lists(const char *field, const char *word) {
  size_t length = strlen(word);
  for (; field; field = (field = strchr(field, ',')) ? field + 1 : NULL) {
    field += strspn(field, " \t");
    size_t size = strcspn(field, ", \t");
    if (size == length && !strncasecmp(field, word, length)) return 1;
  }
  return 0;
}

const char *http_reason(int status) {
  switch (status) {
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 431: return "Request Header Fields Too Large";
    case 501: return "Not Implemented";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: return "Internal Server Error";
  }
}
