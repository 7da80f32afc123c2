"""Small tensors of fixed numbers, made once a device."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor


def constant(values: Sequence[Any], like: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """`values` as a tensor on the device of `like`, by default of its type; never write to it.

    A copy from the host in every step would make the GPU wait, and cannot be part of a CUDA graph.
    """
    return _made(_frozen(values), dtype or like.dtype, like.device)


@lru_cache(maxsize=256)
def _made(values: tuple[Any, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    # One that was made in inference mode could not take part in learning later.
    with torch.inference_mode(False):
        return torch.tensor(values, dtype=dtype, device=device)


def _frozen(values: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(_frozen(v) if isinstance(v, Sequence) else v for v in values)
