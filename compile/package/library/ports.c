/* What the library says of the network. */
#include "network.h"

const char *depth_manifest(void) {
  return network_manifest;
}

int32_t depth_api_version(void) {
  return DEPTH_API_VERSION;
}

int32_t depth_input_count(void) {
  return network_inputs;
}

int32_t depth_output_count(void) {
  return network_outputs;
}

const depth_port *depth_input(int32_t place) {
  return place >= 0 && place < network_inputs ? &network_input[place] : NULL;
}

const depth_port *depth_output(int32_t place) {
  return place >= 0 && place < network_outputs ? &network_output[place] : NULL;
}
