"""Import timm where torch is a CPU build and torchvision's native operators do not load."""

from __future__ import annotations

import importlib
from types import ModuleType

import torch

# Alive for the life of the process: dropping the library drops its schemas.
_libraries: list[torch.library.Library] = []


def import_timm() -> ModuleType:
    """Import timm, declaring first the torchvision operators that a CPU torch lacks.

    torchvision's wheel is built against CUDA torch; beside a CPU torch its native library does
    not load, and `import torchvision` stops at the missing schemas of `nms` and `qnms`. timm
    imports torchvision, and uses neither operator.
    """
    if torch.version.cuda is None and not _libraries:
        library = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _libraries.append(library)
    return importlib.import_module("timm")
