/* depth.h: one compiled network as a C library (`depthbench package`).
 *
 * The library needs neither TVM nor Python nor depthbench. Instances are handles: one that was
 * destroyed is recognised, and never given out again. Different instances may run at the same time
 * on different threads; a call on an instance that is running returns DEPTH_BUSY.
 */
#ifndef DEPTH_H
#define DEPTH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DEPTH_API __attribute__((visibility("default")))
#define DEPTH_API_VERSION 1
#define DEPTH_MAX_RANK 8

typedef uint64_t depth_network; /* an instance; 0 is none */

typedef enum depth_status {
  DEPTH_OK = 0,
  DEPTH_BAD_ARGUMENT = 1, /* null, negative, or unknown */
  DEPTH_BAD_NETWORK = 2,  /* destroyed, or never created */
  DEPTH_BAD_BUFFER = 3,   /* shorter than what it is to hold */
  DEPTH_BUSY = 4,         /* another thread is running this instance */
  DEPTH_NO_MEMORY = 5,
  DEPTH_NO_THREAD = 6,   /* a thread could not be started or pinned */
  DEPTH_NO_WEIGHTS = 7,  /* the file of weights is missing, or another network's */
  DEPTH_NO_IMAGE = 8,    /* the network does not take one image and give a map of it */
  DEPTH_NO_CPU = 9,      /* the processor lacks instructions that the code was made for */
  DEPTH_FAILED = 10      /* a kernel reported an error */
} depth_status;

typedef enum depth_type {
  DEPTH_FLOAT32 = 0, DEPTH_FLOAT16 = 1, DEPTH_FLOAT64 = 2, DEPTH_BOOL = 3,
  DEPTH_INT8 = 4, DEPTH_INT16 = 5, DEPTH_INT32 = 6, DEPTH_INT64 = 7,
  DEPTH_UINT8 = 8, DEPTH_UINT16 = 9, DEPTH_UINT32 = 10, DEPTH_UINT64 = 11
} depth_type;

typedef struct depth_port {
  const char *name;
  depth_type type;
  int32_t rank;
  int64_t shape[DEPTH_MAX_RANK];
  size_t bytes;
  const char *unit; /* of the output that is depth: "m", "1/m", or ""; null of other ports */
} depth_port;

typedef struct depth_options { /* zero is the default of each */
  int32_t threads;      /* 0: as many as it was compiled for */
  const int32_t *cpus;  /* CPU numbers to pin thread 0, 1, ... to; null: not pinned.
                         * The caller's own thread is thread 0, pinned only while it runs. */
  int32_t cpu_count;
  const char *weights;  /* path of the file of weights, where they are not in the library */
} depth_options;

typedef enum depth_format { DEPTH_RGBA_8888 = 1, DEPTH_NV21 = 2, DEPTH_YUV_420_888 = 3 } depth_format;

typedef struct depth_plane {
  const uint8_t *data;
  size_t bytes;         /* readable from data on */
  int32_t row_stride;   /* bytes from a row to the next */
  int32_t pixel_stride; /* bytes from a sample to the next in a row */
} depth_plane;

typedef struct depth_frame {
  depth_format format;
  int32_t width, height; /* as it lies in memory; even for NV21 and YUV_420_888 */
  int32_t rotation;      /* clockwise degrees that make it upright: 0, 90, 180 or 270 */
  depth_plane planes[3]; /* RGBA: one; NV21: Y, VU; YUV_420_888: Y, U, V. Full range, BT.601 */
} depth_frame;

/* What is compiled in: schema, model, source's hash, target, precision, card, tools. JSON. */
DEPTH_API const char *depth_manifest(void);
DEPTH_API int32_t depth_api_version(void);

DEPTH_API int32_t depth_input_count(void);
DEPTH_API int32_t depth_output_count(void);
DEPTH_API const depth_port *depth_input(int32_t place);  /* null beyond the last */
DEPTH_API const depth_port *depth_output(int32_t place);

/* Everything that a run needs is allocated here: the arena, and the threads. */
DEPTH_API depth_status depth_create(depth_network *network, const depth_options *options);
DEPTH_API depth_status depth_destroy(depth_network network);

/* One inference on the caller's buffers, in the order of the ports. Buffers that begin on a
 * multiple of 64 bytes are used where they lie, others are copied. */
DEPTH_API depth_status depth_run(depth_network network, const void *const *inputs,
                                 const size_t *input_bytes, void *const *outputs,
                                 const size_t *output_bytes);

/* A camera's frame: turned upright, stretched to the input's size and normalised as the network's
 * card says, run; the map is that of the depth output, in its size (`depth_output`), upright.
 * Memory is taken where a frame's size or rotation is another than that of the one before. */
DEPTH_API depth_status depth_run_frame(depth_network network, const depth_frame *frame, float *map,
                                       size_t map_bytes);

/* The focal lengths, in pixels of a frame as it lies in memory, of the camera that takes the frames
 * to come; 0 and 0, as at first: not known. A network that was calibrated at a focal length
 * (`package.image.focal` of the manifest) gives the metres of that camera, and where it is not known
 * those of the calibration's own; other networks give what they give. */
DEPTH_API depth_status depth_set_camera(depth_network network, double focal_x, double focal_y);

/* Milliseconds that the network's last depth_run_frame spent on conversion, and on the network;
 * DEPTH_NO_IMAGE where it has run none. */
DEPTH_API depth_status depth_last_times(depth_network network, double *conversion_ms,
                                        double *forward_ms);

/* `runs` inferences of zeros after `warm_up` that do not count; milliseconds of each. */
DEPTH_API depth_status depth_benchmark(depth_network network, int32_t warm_up, int32_t runs,
                                       double *milliseconds);

/* What a benchmark measured as one line of depthbench's records.jsonl, without the line's end.
 * `length` is that of the record; DEPTH_BAD_BUFFER where `capacity` is not more than it. */
DEPTH_API depth_status depth_benchmark_record(depth_network network, int32_t warm_up, int32_t runs,
                                              const double *milliseconds, char *record,
                                              size_t capacity, size_t *length);

/* Why the last call of this thread on this network, or with network 0, failed; never null. */
DEPTH_API const char *depth_last_error(depth_network network);

#ifdef __cplusplus
}
#endif
#endif
