/* The network's weights: in the library, or in a file of their own. */
#include "weights.h"

/* Such a file begins with a header as long as weights are aligned. */
typedef struct header {
  char kind[16];
  uint8_t sha256[32]; /* of what follows */
  uint64_t bytes;     /* of what follows */
  uint64_t unused;
} header;

_Static_assert(sizeof(header) == 64, "weights begin on a multiple of 64 bytes");

static const char KIND[16] = "depth weights 1";

static bool is_ours(const uint8_t *file, size_t bytes) {
  const header *begin = (const header *)file;
  return memcmp(begin->kind, KIND, sizeof KIND) == 0 && begin->bytes == network_weights_bytes &&
         memcmp(begin->sha256, network_weights_sha256, sizeof begin->sha256) == 0 &&
         bytes == sizeof *begin + network_weights_bytes;
}

depth_status weights_open(instance *one, const char *path) {
  if (network_weights != NULL || network_weights_bytes == 0) {
    one->weights = network_weights;
    return DEPTH_OK;
  }
  if (path == NULL) {
    return failed(0, DEPTH_NO_WEIGHTS, "the weights are in a file: options.weights is its path");
  }
  int file = open(path, READ_ONLY | CLOSE_ON_EXEC);
  if (file < 0) {
    return failed(0, DEPTH_NO_WEIGHTS, "%s: no such file, or not readable", path);
  }
  long bytes = lseek(file, 0, TO_END);
  void *begin = NO_MAPPING;
  if (bytes >= (long)sizeof(header)) {
    begin = mmap(NULL, (size_t)bytes, READABLE, PRIVATE, file, 0);
  }
  close(file);
  if (begin == NO_MAPPING || !is_ours(begin, (size_t)bytes)) {
    if (begin != NO_MAPPING) {
      munmap(begin, (size_t)bytes);
    }
    return failed(0, DEPTH_NO_WEIGHTS, "%s: not the weights of this network", path);
  }
  one->weights_file = begin;
  one->weights_file_bytes = (size_t)bytes;
  one->weights = (const uint8_t *)begin + sizeof(header);
  return DEPTH_OK;
}

void weights_close(instance *one) {
  if (one->weights_file != NULL) {
    munmap(one->weights_file, one->weights_file_bytes);
  }
}
