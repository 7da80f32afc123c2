#define _GNU_SOURCE
#include "requests.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "live.h"
#include "page.h"
#include "temperature.h"

enum { MAX_ANSWER = 1 << 20 };
static const char JSON[] = "application/json";

/* The device as it was told at the start, and how warm it is now. */
static void add_device(const struct server *server, struct buffer *json) {
  const struct options *options = server->options;
  struct json device;
  double celsius;
  json_read(options->device, strlen(options->device), &device);
  size_t size = (size_t)(device.end - device.text) - 1;
  buffer_add(json, device.text, size);
  int members = memchr(device.text, '"', size) != NULL;
  buffer_print(json, "%s\"temperature_c\":", members ? "," : "");
  if (read_temperature(options->zones, options->zone_count, &celsius))
    buffer_print(json, "null}");
  else
    buffer_print(json, "%.1f}", celsius);
}

static void list_packages(const struct server *server, struct connection *connection) {
  struct buffer json = buffer_of(MAX_ANSWER);
  buffer_print(&json, "{\"packages\":[");
  for (int i = 0; i < server->packages.count; i++) {
    if (i) buffer_print(&json, ",");
    package_describe(&server->packages.list[i], &json);
  }
  buffer_print(&json, "],\"device\":");
  add_device(server, &json);
  buffer_print(&json, "}");
  connection_answer(connection, 200, JSON, &json);
}

static void send_page(const struct server *server, struct connection *connection,
                      const char *name) {
  struct buffer content = buffer_of(MAX_PAGE_FILE);
  const char *type = page_type(name);
  if (type && !page_read(server->options->page, name, &content)) {
    connection_answer(connection, 200, type, &content);
  } else {
    buffer_free(&content);
    connection_refuse(connection, 404, "not_found", "there is no such file");
  }
}

static void refuse_upload(struct connection *connection, int cause) {
  int full = cause == ENOSPC || cause == EDQUOT || cause == EFBIG;
  upload_abandon(&connection->upload);
  connection_refuse(connection, full ? 507 : 500, full ? "storage_full" : "not_stored",
                    strerror(cause));
}

static void begin_upload(struct server *server, struct connection *connection,
                         const struct request *request) {
  if (request->body_size < 0) {
    connection_refuse(connection, 411, "no_length", "Content-Length is missing");
  } else if (request->body_size == 0 || request->body_size > MAX_UPLOAD) {
    connection_refuse(connection, 413, "too_large", "a library has from 1 byte to 512 MiB");
  } else if (server->packages.count == MAX_PACKAGES) {
    connection_refuse(connection, 409, "too_many", "there is no place for more packages");
  } else if (upload_begin(&connection->upload, server->options->work, ++server->uploads,
                          request->body_size)) {
    refuse_upload(connection, errno);
  } else {
    connection->stage = STAGE_UPLOAD;
    if (request->expect && http_lists(request->expect, "100-continue")) {
      struct buffer go_on = buffer_of(MAX_HEAD);
      buffer_print(&go_on, "HTTP/1.1 100 Continue\r\n\r\n");
      output_add(&connection->output, &go_on);
    }
  }
}

static void keep_upload(struct server *server, struct connection *connection) {
  char id[MAX_ID + 1], why[MAX_WHY];
  struct buffer json = buffer_of(MAX_ANSWER);
  if (upload_finish(&connection->upload)) {
    refuse_upload(connection, errno);
    return;
  }
  snprintf(id, sizeof id, "upload-%d", connection->upload.number);
  const struct package *package =
      packages_add(&server->packages, connection->upload.path, id, why);
  if (!package) {
    upload_remove(&connection->upload);
    connection_refuse(connection, 422, "not_a_package", why);
    return;
  }
  package_describe(package, &json);
  connection_answer(connection, 200, JSON, &json);
}

int continue_upload(struct server *server, struct connection *connection, const char *bytes,
                    size_t count) {
  struct upload *upload = &connection->upload;
  size_t now = (int64_t)count < upload->left ? count : (size_t)upload->left;
  if (upload_write(upload, bytes, now))
    refuse_upload(connection, errno);
  else if (upload->left == 0)
    keep_upload(server, connection);
  return 0;
}

static void refuse_method(struct connection *connection) {
  connection_refuse(connection, 405, "bad_method", "this is not asked for in that way");
}

void answer_request(struct server *server, struct connection *connection,
                    const struct request *request) {
  const struct access *access = &server->access;
  if (!access_host(access, request->host)) {
    connection_refuse(connection, 421, "bad_host", "this server is localhost");
    return;
  }
  const char *name = access_path(access, request->path);
  if (!name) {
    connection_refuse(connection, 404, "not_found", "there is no such file");
    return;
  }
  int live = !strcmp(name, "live"), packages = !strcmp(name, "packages");
  int from_page = request->origin && access_origin(access, request->origin);
  int changes = live || request->method != METHOD_GET;
  if (!from_page && (request->origin || changes))
    connection_refuse(connection, 403, "bad_origin", "only the server's own page may ask this");
  else if (packages && request->method == METHOD_POST)
    begin_upload(server, connection, request);
  else if (request->method != METHOD_GET || request->body_size > 0)
    refuse_method(connection);
  else if (live)
    live_begin(server, connection, request);
  else if (packages)
    list_packages(server, connection);
  else
    send_page(server, connection, name);
}
