/* Whether the network gives here what ONNX Runtime gave for the same input, zeros. */
#ifndef AGREEMENT_H
#define AGREEMENT_H

#include "instance.h"

/* `difference` is the largest of all outputs, each relative to its largest reference value; NaN
 * where an output is not finite. `deviation` is the reference's smallest standard deviation. */
typedef struct agreement {
  double difference, absolute, deviation;
} agreement;

/* Runs one inference of zeros. */
depth_status agreement_find(instance *one, agreement *found);

#endif
