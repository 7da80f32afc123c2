/* Runs a package's network several times in this process.

   run_package RUNS FOLDER [WEIGHTS]

   The bytes of input i are read from FOLDER/input<i>, those of output i are written to
   FOLDER/output<i>. Where the program has `inference_mark`, it is called before every inference and
   after the last. */
#include <stdio.h>
#include <stdlib.h>

#include "depth.h"

enum { MOST_PORTS = 256 };

void inference_mark(void) __attribute__((weak));

static depth_network network;

static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, depth_last_error(network));
  exit(1);
}

static void mark(void) {
  if (inference_mark) inference_mark();
}

static FILE *open_port(const char *folder, const char *kind, int place, const char *mode) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s%d", folder, kind, place);
  FILE *file = fopen(path, mode);
  if (!file) fail(path);
  return file;
}

static void *buffer(const depth_port *port) {
  void *memory = aligned_alloc(64, (port->bytes + 64) / 64 * 64);
  if (!memory) fail(port->name);
  return memory;
}

int main(int count, char **words) {
  if (count < 3) fail("use: run_package RUNS FOLDER [WEIGHTS]");
  const void *inputs[MOST_PORTS];
  void *outputs[MOST_PORTS];
  size_t input_bytes[MOST_PORTS], output_bytes[MOST_PORTS];
  if (depth_input_count() > MOST_PORTS || depth_output_count() > MOST_PORTS) fail("ports");
  depth_options options = {.weights = count > 3 ? words[3] : NULL};
  if (depth_create(&network, &options)) fail("depth_create");
  for (int i = 0; i < depth_input_count(); i++) {
    FILE *file = open_port(words[2], "input", i, "rb");
    void *memory = buffer(depth_input(i));
    input_bytes[i] = fread(memory, 1, depth_input(i)->bytes, file);
    inputs[i] = memory;
    fclose(file);
  }
  for (int i = 0; i < depth_output_count(); i++) {
    outputs[i] = buffer(depth_output(i));
    output_bytes[i] = depth_output(i)->bytes;
  }
  for (int i = 0; i < atoi(words[1]); i++) {
    mark();
    if (depth_run(network, inputs, input_bytes, outputs, output_bytes)) fail("depth_run");
  }
  mark();
  for (int i = 0; i < depth_output_count(); i++) {
    FILE *file = open_port(words[2], "output", i, "wb");
    if (fwrite(outputs[i], 1, output_bytes[i], file) != output_bytes[i]) fail("output");
    if (fclose(file)) fail("output");
  }
  return depth_destroy(network);
}
