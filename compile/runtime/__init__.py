"""Run a compiled model on this machine, and say what its kernels do."""
