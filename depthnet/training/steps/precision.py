"""Which arithmetic a machine is fastest in."""

from __future__ import annotations

from typing import Literal

import torch


def resolve_precision(
    asked: Literal["float32", "bfloat16", "auto"], device: str
) -> Literal["float32", "bfloat16"]:
    """`auto` is bfloat16 where the device multiplies it in hardware, else float32.

    In hardware means: a GPU that supports it, or a CPU with AMX tiles (a step is 1.6 times as
    fast there) or AVX-512's products of bfloat16 (1.75 times).
    """
    if asked != "auto":
        return asked
    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    in_hardware = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return "bfloat16" if in_hardware else "float32"
