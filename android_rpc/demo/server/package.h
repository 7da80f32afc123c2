/* A packaged network: its library with depth.h's functions, and what it says of itself. */
#ifndef DEMO_PACKAGE_H
#define DEMO_PACKAGE_H

#include <limits.h>
#include <stdint.h>

#include "buffer.h"
#include "depth.h"
#include "message.h"

enum { MAX_MANIFEST = 1 << 20 };

struct package {
  char id[MAX_ID + 1];
  char weights[PATH_MAX]; /* the file of weights, or empty */
  void *handle;
  int32_t threads;               /* that it was compiled for */
  int32_t width, height;         /* of the input */
  int32_t map_width, map_height; /* of the depth */
  const depth_port *output;      /* that is depth */
  const char *manifest;
  const char *(*last_error)(depth_network);
  depth_status (*create)(depth_network *, const depth_options *);
  depth_status (*destroy)(depth_network);
  depth_status (*run_frame)(depth_network, const depth_frame *, float *, size_t);
  depth_status (*set_camera)(depth_network, double, double);
  depth_status (*last_times)(depth_network, double *, double *);
  depth_status (*benchmark)(depth_network, int32_t, int32_t, double *);
  depth_status (*benchmark_record)(depth_network, int32_t, int32_t, const double *, char *, size_t,
                                   size_t *);
};

enum { MAX_WHY = 256 };

/* Loads the library at `path`: 0, or -1 with a line for people. */
int package_open(struct package *package, const char *path, char why[MAX_WHY]);

void package_close(struct package *package);

/* Adds the package's entry of /packages, a JSON object. */
void package_describe(const struct package *package, struct buffer *json);

/* A name of each status for programs, such as "no_memory". */
const char *status_name(depth_status status);

#endif
