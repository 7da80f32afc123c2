/* The network that this library holds, as tables: written by depthbench into network.c. */
#ifndef NETWORK_H
#define NETWORK_H

#include "depth.h"
#include "kernel_abi.h"

/* Where a tensor lies. */
typedef enum place { IN_ARENA, IN_WEIGHTS, IN_INPUT, IN_OUTPUT } place;

typedef struct tensor {
  uint8_t place;
  uint8_t type_code, type_bits; /* as DLPack numbers them */
  uint8_t rank;
  int32_t port;  /* of an input or output */
  size_t offset; /* bytes from where the place begins */
  int32_t shape; /* of its first edge in `edges` */
} tensor;

typedef struct kernel_call {
  kernel *run;
  int32_t first, count; /* its arguments, tensors by number */
} kernel_call;

/* An output that is no kernel's own result. */
typedef struct output_copy {
  int32_t output;
  int32_t tensor;
} output_copy;

/* An instruction set that the kernels need: a bit of what processor.c reads. */
enum { CPU_WORDS = 5 };
typedef struct cpu_feature {
  const char *name;
  uint8_t word, bit;
} cpu_feature;

/* How an image becomes the input, as the model's card says; height is 0 where it takes none. */
typedef struct image_input {
  int32_t input, output; /* ports: the image, and the map of depth */
  int32_t height, width;
  bool channels_last, bgr, bytes;
  float low, high, mean[3], std[3];
  const char *interpolation; /* nearest, bilinear, bicubic or lanczos */
  bool antialias, align_corners;
  const char *meaning; /* of the map times scale plus shift: as in a model's card */
  float scale, shift;
  bool clipped; /* to what lies from `least` to `most` then */
  float least, most;
  bool inverse; /* the map is of 1 / metres */
  float focal;  /* of the calibration's camera, by the mean edge of its pictures; 0: not known */
} image_input;

extern const char network_manifest[];
extern const char network_name[];
extern const int32_t network_threads; /* that the code was made for */

extern const int32_t network_inputs, network_outputs;
extern const depth_port network_input[], network_output[];

extern const int32_t network_tensors, network_port_tensors, network_arguments, network_edges,
    network_calls, network_copies;
extern const tensor network_tensor[]; /* those of inputs and outputs first */
extern const int32_t network_argument[];
extern const int64_t network_edge[];
extern const kernel_call network_call[];
extern const output_copy network_copy[];

extern const size_t network_arena_bytes;
extern const size_t network_workspace_bytes; /* that one thread's kernels take at most */
extern const uint8_t *const network_weights; /* null: in a file */
extern const size_t network_weights_bytes;
extern const uint8_t network_weights_sha256[32];
extern const cpu_feature network_cpu_feature[]; /* the last without a name */
extern const image_input network_image;

/* Of an output for inputs of zeros, as ONNX Runtime gives it: each `step`th element. */
typedef struct expected_output {
  int32_t count;
  int64_t step;
  const double *values;
  double largest, deviation; /* of all its elements: the largest size, the standard deviation */
} expected_output;

/* What records of benchmarks say besides what is measured: written into record_data.c. */
extern const expected_output network_expected[];
extern const double network_tolerance;           /* of relative differences */
extern const bool network_for_a76;               /* the target is the Cortex-A76 */
extern const char network_record[];              /* fields of the record, each with its comma */
extern const char network_record_conditions[];   /* the same of its conditions */

#endif
