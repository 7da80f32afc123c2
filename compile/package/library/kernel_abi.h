/* How kernels compiled by TVM are called: DLPack's tensors in TVM FFI's arguments. */
#ifndef KERNEL_ABI_H
#define KERNEL_ABI_H

#include "system.h"

typedef struct DLTensor {
  void *data;
  struct {
    int32_t type, id;
  } device;
  int32_t rank;
  struct {
    uint8_t code, bits;
    uint16_t lanes;
  } dtype;
  int64_t *shape;
  int64_t *strides;
  uint64_t byte_offset;
} DLTensor;

typedef struct argument {
  int32_t kind;
  uint32_t unused;
  union {
    const DLTensor *tensor;
    int64_t number;
  };
} argument;

enum { CPU_DEVICE = 1, TENSOR_ARGUMENT = 7 };

typedef int32_t kernel(void *self, const argument *arguments, int32_t count, argument *result);

/* What a parallel loop runs, on one thread, for each of its tasks. */
typedef struct task_group {
  void *unused;
  int32_t tasks;
} task_group;

typedef int32_t parallel_task(int32_t number, task_group *group, void *given);

_Static_assert(sizeof(DLTensor) == 48 && sizeof(argument) == 16, "as TVM FFI has them");

#endif
