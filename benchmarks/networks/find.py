"""What a benchmark's user names: a network of ours, an ONNX file, or a public architecture."""

from __future__ import annotations

from pathlib import Path

from bench.models import Model, resolve_model

from . import ARCHITECTURES
from .exporters import EXPORTERS, build, export


def find(name: str, out: Path) -> Model:
    """A public architecture has random weights, and is exported into `out` as of its usual size.

    Raises what `resolve_model` does.
    """
    if name not in ARCHITECTURES:
        return resolve_model(name, out)
    path = out / f"{name}.onnx"
    shape = ARCHITECTURES[name].shape(False)
    export(build(name, False, EXPORTERS[0]), shape, EXPORTERS[0], path)
    return resolve_model(str(path), out)
