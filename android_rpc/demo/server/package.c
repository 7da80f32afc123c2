#define _GNU_SOURCE
#include "package.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "elf_check.h"
#include "json.h"
#include "log.h"

#ifdef __aarch64__
#define PLATFORM "arm64-linux"
#else
#define PLATFORM "host"
#endif

enum { RANK = 4, MAX_SIDE_OF_MAP = 8192, MAX_TEXT = 128 };

__attribute__((format(printf, 2, 3))) static int refuse(char why[MAX_WHY], const char *format,
                                                        ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(why, MAX_WHY, format, arguments);
  va_end(arguments);
  return -1;
}

/* POSIX lets a function's address be kept as dlsym gives it. */
static int find_function(void *handle, const char *name, void *function) {
  void *found = dlsym(handle, name);
  memcpy(function, &found, sizeof found);
  return found ? 0 : -1;
}

static int find_functions(struct package *package, char why[MAX_WHY]) {
  const struct {
    const char *name;
    void *function;
  } FUNCTIONS[] = {
      {"depth_last_error", &package->last_error},
      {"depth_create", &package->create},
      {"depth_destroy", &package->destroy},
      {"depth_run_frame", &package->run_frame},
      {"depth_set_camera", &package->set_camera},
      {"depth_last_times", &package->last_times},
      {"depth_benchmark", &package->benchmark},
      {"depth_benchmark_record", &package->benchmark_record},
  };
  for (size_t i = 0; i < sizeof FUNCTIONS / sizeof *FUNCTIONS; i++)
    if (find_function(package->handle, FUNCTIONS[i].name, FUNCTIONS[i].function))
      return refuse(why, "it has no function %s", FUNCTIONS[i].name);
  return 0;
}

static int is_edge(int64_t edge) { return edge >= 1 && edge <= MAX_SIDE_OF_MAP; }

/* The map's edges are the two of its shape that hold all its values. */
static int read_map(struct package *package, const depth_port *port) {
  int last = port->rank;
  if (last == RANK && port->shape[last - 1] == 1 && port->shape[1] != 1) last--;
  if (last < 2) return -1;
  int64_t height = port->shape[last - 2], width = port->shape[last - 1], values = 1;
  if (!is_edge(height) || !is_edge(width)) return -1;
  for (int i = 0; i < port->rank; i++)
    if (__builtin_mul_overflow(values, port->shape[i], &values)) return -1;
  if (values != height * width) return -1;
  package->map_height = (int32_t)height;
  package->map_width = (int32_t)width;
  package->output = port;
  return 0;
}

/* What the manifest says under "package" and "image"; -1 where it takes no image. */
static int find_image(const struct package *package, struct json *image) {
  struct json manifest, of_package;
  json_read(package->manifest, strlen(package->manifest), &manifest);
  return json_member(manifest, "package", &of_package) ||
                 json_member(of_package, "image", image) || *image->text != '{'
             ? -1
             : 0;
}

static int read_integer(struct json object, const char *name, int32_t least, int32_t most,
                        int32_t *number) {
  struct json value;
  return json_member(object, name, &value) ? -1 : json_integer(value, least, most, number);
}

static int read_image(struct package *package, char why[MAX_WHY]) {
  const depth_port *(*find_output)(int32_t), *output;
  struct json image;
  int32_t place;
  if (find_function(package->handle, "depth_output", &find_output))
    return refuse(why, "it does not tell its outputs");
  if (find_image(package, &image) || read_integer(image, "output", 0, INT16_MAX, &place) ||
      read_integer(image, "width", 1, MAX_SIDE_OF_MAP, &package->width) ||
      read_integer(image, "height", 1, MAX_SIDE_OF_MAP, &package->height) ||
      !(output = find_output(place)) || read_map(package, output))
    return refuse(why, "it does not take an image and give a map of it");
  return 0;
}

static int read_manifest(struct package *package, char why[MAX_WHY]) {
  const char *(*manifest)(void);
  struct json object, threads;
  if (find_function(package->handle, "depth_manifest", &manifest))
    return refuse(why, "it has no manifest");
  package->manifest = manifest();
  if (!package->manifest || strnlen(package->manifest, MAX_MANIFEST) == MAX_MANIFEST ||
      json_read(package->manifest, strlen(package->manifest), &object) || *object.text != '{')
    return refuse(why, "its manifest is no JSON object");
  if (json_member(object, "threads", &threads) ||
      json_integer(threads, 1, MAX_THREADS, &package->threads))
    package->threads = 1;
  return 0;
}

int package_open(struct package *package, const char *path, char why[MAX_WHY]) {
  int32_t (*version)(void);
  memset(package, 0, sizeof *package);
  if (elf_check(path)) return refuse(why, "no shared library of this machine, or not all of it");
  package->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!package->handle) {
    log_line("%s", dlerror());
    return refuse(why, "made for another system; this server takes packages for " PLATFORM);
  }
  if (find_function(package->handle, "depth_api_version", &version))
    refuse(why, "no package of depthbench");
  else if (version() != DEPTH_API_VERSION)
    refuse(why, "its interface has version %d, and this server %d", (int)version(),
           DEPTH_API_VERSION);
  else if (!find_functions(package, why) && !read_manifest(package, why) &&
           !read_image(package, why))
    return 0;
  package_close(package);
  return -1;
}

void package_close(struct package *package) {
  if (package->handle) dlclose(package->handle);
  package->handle = NULL;
}

/* A text of an object, or where it has none `otherwise`. */
static void add_text(struct buffer *json, struct json object, const char *name,
                     const char *otherwise) {
  struct json value;
  char text[MAX_TEXT];
  int found = !json_member(object, name, &value) && !json_string(value, text, sizeof text);
  buffer_add_string(json, found ? text : otherwise);
}

void package_describe(const struct package *package, struct buffer *json) {
  struct json manifest, of_package, image;
  json_read(package->manifest, strlen(package->manifest), &manifest);
  if (json_member(manifest, "package", &of_package) || find_image(package, &image)) return;
  buffer_print(json, "{\"id\":");
  buffer_add_string(json, package->id);
  buffer_print(json, ",\"name\":");
  add_text(json, manifest, "name", package->id);
  buffer_print(json, ",\"target\":");
  add_text(json, of_package, "platform", "");
  buffer_print(json, ",\"precision\":");
  add_text(json, manifest, "precision", "");
  buffer_print(json, ",\"threads\":%d,\"input\":{\"width\":%d,\"height\":%d}", (int)package->threads,
               (int)package->width, (int)package->height);
  buffer_print(json, ",\"output\":{\"name\":");
  buffer_add_string(json, package->output->name ? package->output->name : "");
  buffer_print(json, ",\"width\":%d,\"height\":%d,\"unit\":", (int)package->map_width,
               (int)package->map_height);
  buffer_add_string(json, package->output->unit ? package->output->unit : "");
  buffer_print(json, ",\"meaning\":");
  add_text(json, image, "meaning", "");
  buffer_print(json, "}}");
}

const char *status_name(depth_status status) {
  switch (status) {
    case DEPTH_OK: return "ok";
    case DEPTH_BAD_ARGUMENT: return "bad_argument";
    case DEPTH_BAD_NETWORK: return "bad_network";
    case DEPTH_BAD_BUFFER: return "bad_buffer";
    case DEPTH_BUSY: return "busy";
    case DEPTH_NO_MEMORY: return "no_memory";
    case DEPTH_NO_THREAD: return "no_thread";
    case DEPTH_NO_WEIGHTS: return "no_weights";
    case DEPTH_NO_IMAGE: return "no_image";
    case DEPTH_NO_CPU: return "no_cpu";
    default: return "failed";
  }
}
