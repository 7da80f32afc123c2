"""Cost of an inference on an emulated phone's CPU: instructions counted, cycles estimated."""
