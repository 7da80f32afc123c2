"""Speed and energy over minutes: inferences back to back while the device warms."""
