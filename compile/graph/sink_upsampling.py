"""Run pointwise work before an upsampling rather than behind it, on a fraction of the pixels.

A nearest resize copies pixels: it commutes with pointwise convolutions, with anything elementwise,
and with concatenation, splits and shuffles of channels. A bilinear one has weights that sum to one:
it commutes with pointwise convolutions and with adding constants, but with nothing curved. Where a
part of a concatenation is upsampled, the pointwise convolution behind it is split in two. Nearest
resizes give the same numbers; after bilinear ones, and where sums are split, the order of a sum
changes, and a result is off by about 1e-7 of the sum of its terms' magnitudes.
"""

from __future__ import annotations

import tvm

from compile.graph.relax_rewriter import translate_counting
from compile.graph.rule_rewriter import Rules
from compile.graph.upsampling_rewriter import UpsamplingRewriter
from compile.graph.upsampling_rules import RULES


def sink_upsampling(mod: tvm.IRModule) -> tuple[tvm.IRModule, int]:
    """The module with upsampling done late, and how many convolutions that made smaller."""
    return keep_back(mod, RULES)


def keep_back(mod: tvm.IRModule, rules: Rules) -> tuple[tvm.IRModule, int]:
    """The module with enlargements kept back by `rules`, or itself where no convolution gains."""
    return translate_counting(mod, lambda builder, _: UpsamplingRewriter(builder, rules))
