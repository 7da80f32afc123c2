"""Tune a model's schedules where it will run: on this machine, on a phone, on an emulated one."""
