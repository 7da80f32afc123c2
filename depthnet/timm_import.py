"""timm, also where torch is a CPU build and torchvision's native operators do not load."""

from __future__ import annotations

import importlib.util
from functools import cache
from importlib.machinery import PathFinder
from types import ModuleType

import torch

OPERATORS = ("nms", "qnms")
"""Those of torchvision's native operators that its import looks up."""


@cache
def import_timm() -> ModuleType:
    """timm as a module; all of depthnet imports it here.

    timm imports torchvision, whose wheel on PyPI is built against torch with CUDA: beside a CPU
    torch its native library does not load, and the import stops at the missing schemas of two
    operators. There they are declared, without code: timm uses neither.
    """
    if not _native_torchvision_loads():
        _declare_operators()
    return importlib.import_module("timm")


def _native_torchvision_loads() -> bool:
    package = importlib.util.find_spec("torchvision")
    native = package and PathFinder.find_spec("_C", package.submodule_search_locations)
    if native is None or native.origin is None:
        return False
    try:
        torch.ops.load_library(native.origin)
    except OSError:
        return False
    return True


@cache
def _declare_operators() -> torch.library.Library:
    """Declare them for the life of the process: dropping the library would drop its schemas."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    for operator in OPERATORS:
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library
