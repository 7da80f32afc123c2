"""Which forms of the paper's decoder are there?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class DecoderSpec:
    """A decoder as the paper's ablations vary it.

    `block` names one of `blocks.BLOCKS`; `widths` are its five outputs. `skips`: the strides at
    which encoder maps are joined, by `join`, after the block of that stride, or before it
    (`join_before`, FastDepth's form). `output_norm`: batch norm and ReLU behind the output
    convolution. `output`: pointwise, or with a depthwise 5x5 in front. `image_skip`: the input
    image is concatenated in front of the output convolution.
    """

    block: str
    widths: tuple[int, int, int, int, int]
    join: Literal["none", "add", "cat"] = "none"
    skips: tuple[int, ...] = (16, 8, 4)
    join_before: bool = False
    interpolation: Literal["nearest", "bilinear"] = "nearest"
    output: Literal["pointwise", "separable"] = "pointwise"
    output_norm: bool = False
    image_skip: bool = False
