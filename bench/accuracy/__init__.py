"""Score models on data sets, here or on a device, and show what they predict."""
