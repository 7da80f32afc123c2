"""Runtimes: what runs a model, one adapter a file, all with the interface of `base.Runtime`.

To add one, add a file with its class and its `RUNTIME` (see `declaration`); the registry finds it.
"""
