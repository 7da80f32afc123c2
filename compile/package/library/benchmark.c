/* Times of inferences of zeros. */
#include "instance.h"
#include "stopwatch.h"

static depth_status check(depth_network network, int32_t warm_up, int32_t runs,
                          const double *milliseconds) {
  if (warm_up < 0 || runs < 1) {
    return failed(network, DEPTH_BAD_ARGUMENT, "%d warm-ups and %d runs: at least 0 and 1", warm_up,
                  runs);
  }
  if (milliseconds == NULL) {
    return failed(network, DEPTH_BAD_ARGUMENT, "no place for the times is given");
  }
  return DEPTH_OK;
}

static depth_status take_times(instance *one, int32_t warm_up, int32_t runs,
                               double *milliseconds) {
  for (int32_t i = 0; i < network_inputs; i++) {
    memset(one->inputs[i], 0, network_input[i].bytes);
  }
  for (int32_t i = 0; i < warm_up; i++) {
    depth_status status = instance_run(one, one->inputs, one->outputs);
    if (status != DEPTH_OK) {
      return status;
    }
  }
  for (int32_t i = 0; i < runs; i++) {
    double started = milliseconds_now();
    depth_status status = instance_run(one, one->inputs, one->outputs);
    milliseconds[i] = milliseconds_now() - started;
    if (status != DEPTH_OK) {
      return status;
    }
  }
  return DEPTH_OK;
}

/* Several benchmarks may be one record: its conditions are those before the first of them. */
static depth_status run(instance *one, int32_t warm_up, int32_t runs, double *milliseconds) {
  if (!one->has_readings) {
    device_read(&one->before);
    one->has_readings = true;
    one->hottest = one->before.battery;
  }
  depth_status status = take_times(one, warm_up, runs, milliseconds);
  device_read(&one->after);
  one->hottest = one->after.battery > one->hottest ? one->after.battery : one->hottest;
  return status;
}

depth_status depth_benchmark(depth_network network, int32_t warm_up, int32_t runs,
                             double *milliseconds) {
  instance *one;
  depth_status status = instance_enter(network, &one);
  if (status != DEPTH_OK) {
    return status;
  }
  status = check(network, warm_up, runs, milliseconds);
  if (status == DEPTH_OK) {
    status = run(one, warm_up, runs, milliseconds);
  }
  return instance_leave(one, status);
}
