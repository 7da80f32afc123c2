"""Runtimes in a Python for arm64: under emulation here, and on devices."""
