#include "agreement.h"

#include "half.h"

static double element(const void *data, depth_type type, size_t i) {
  switch (type) {
    case DEPTH_FLOAT32: return (double)((const float *)data)[i];
    case DEPTH_FLOAT16: return (double)float_of(((const uint16_t *)data)[i]);
    case DEPTH_FLOAT64: return ((const double *)data)[i];
    case DEPTH_INT8: return ((const int8_t *)data)[i];
    case DEPTH_INT16: return ((const int16_t *)data)[i];
    case DEPTH_INT32: return ((const int32_t *)data)[i];
    case DEPTH_INT64: return (double)((const int64_t *)data)[i];
    case DEPTH_UINT16: return ((const uint16_t *)data)[i];
    case DEPTH_UINT32: return ((const uint32_t *)data)[i];
    case DEPTH_UINT64: return (double)((const uint64_t *)data)[i];
    default: return ((const uint8_t *)data)[i];
  }
}

static double larger(double one, double other) {
  return one >= other || one != one ? one : other;
}

static void compare(const expected_output *expected, const uint8_t *data, depth_type type,
                    agreement *found) {
  double largest = 0;
  for (int32_t i = 0; i < expected->count; i++) {
    double difference =
        element(data, type, (size_t)i * (size_t)expected->step) - expected->values[i];
    largest = larger(difference < 0 ? -difference : difference, largest);
  }
  double scale = expected->largest > 0 ? expected->largest : 1;
  found->absolute = larger(largest, found->absolute);
  found->difference = larger(largest / scale, found->difference);
  if (expected->deviation < found->deviation) {
    found->deviation = expected->deviation;
  }
}

depth_status agreement_find(instance *one, agreement *found) {
  *found = (agreement){.deviation = network_expected[0].deviation};
  for (int32_t i = 0; i < network_inputs; i++) {
    memset(one->inputs[i], 0, network_input[i].bytes);
  }
  depth_status status = instance_run(one, one->inputs, one->outputs);
  for (int32_t i = 0; i < network_outputs && status == DEPTH_OK; i++) {
    compare(&network_expected[i], one->outputs[i], network_output[i].type, found);
  }
  return status;
}
