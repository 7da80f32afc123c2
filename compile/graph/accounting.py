"""Apply rewrites one after the other and keep the account of what they did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from typing import Any

import tvm
from tvm import relax
from tvm_ffi import structural_walk

from compile.graph.half_precision import Halved
from compile.graph.tensors import is_operator, shape_of
from compile.operators.byte_products import Reduced

Rewrite = Callable[[tvm.IRModule], tuple[tvm.IRModule, int]]


@dataclass
class Rewrites:
    """Multiply-adds of the model before and after, how often each rewrite applied, and which
    operators a lower precision reached."""

    macs_before: int = 0
    macs_after: int = 0
    applied: dict[str, int] = field(default_factory=dict)
    precision: Halved | Reduced | None = None

    def to_dict(self) -> dict[str, Any]:
        """For the manifest."""
        return {
            "macs_before": self.macs_before,
            "macs_after": self.macs_after,
            "applied": dict(self.applied),
            **({} if self.precision is None else self.precision.to_dict()),
        }


def in_turn(mod: tvm.IRModule, *rewrites: Rewrite) -> tuple[tvm.IRModule, Rewrites]:
    """The module after all rewrites, and their account."""
    account = Rewrites(macs_before=operator_macs(mod))
    for rewrite in rewrites:
        mod, times = rewrite(mod)
        account.applied[rewrite.__name__] = times
    account.macs_after = operator_macs(mod)
    return mod, account


def operator_macs(mod: tvm.IRModule) -> int:
    """Multiply-adds of the convolutions and matrix products of `main`, of static shape."""
    total = 0

    def count(call: relax.Call) -> None:
        nonlocal total
        total += _macs(call)

    structural_walk(mod["main"].body, (relax.Call, count))
    return total


def _macs(call: relax.Call) -> int:
    if is_operator(call, "matmul"):
        left, result = shape_of(call.args[0]), shape_of(call)
        return prod(result) * left[-1] if left and result is not None else 0
    if is_operator(call, "nn.conv1d", "nn.conv2d", "nn.conv3d"):
        weight, result = shape_of(call.args[1]), shape_of(call)
        if not weight or result is None:
            return 0
        return prod(result) * prod(weight) // weight[call.attrs.kernel_layout.index("O")]
    if is_operator(call, "nn.conv1d_transpose", "nn.conv2d_transpose", "nn.conv3d_transpose"):
        image, weight = shape_of(call.args[0]), shape_of(call.args[1])
        if not weight or image is None:
            return 0
        return prod(image) * prod(weight) // weight[call.attrs.kernel_layout.index("I")]
    return 0
