"""What rewrites of the graph did: multiply-adds before and after, and how often each applied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import tvm
from tvm import relax
from tvm_ffi import structural_walk

from compile.graph.tensors import is_operator, shape_of


@dataclass
class LowerPrecision:
    """How many operators compute in the precision `name`, and which keep float32."""

    name: str
    lowered: int = 0
    wide: Counter[str] = field(default_factory=Counter)

    def keep_wide(self, call: relax.Call) -> None:
        """Count an operator that keeps float32."""
        self.wide[call.op.name.removeprefix("relax.")] += 1

    def to_dict(self) -> dict[str, Any]:
        """For the manifest."""
        wide = dict(sorted(self.wide.items()))
        return {f"{self.name}_operators": self.lowered, "fp32_operators": wide}


@dataclass(frozen=True)
class Rewrites:
    """Multiply-adds of the model before and after, how often each rewrite applied, and which
    operators a lower precision reached."""

    macs_before: int
    macs_after: int
    applied: dict[str, int]
    precision: LowerPrecision | None = None

    @staticmethod
    def of(macs_before: int, macs_after: int, done: Mapping[str, Any]) -> Rewrites:
        """The account of phases that did this, by name: numbers of times, or a lower precision."""
        applied = {name: times for name, times in done.items() if isinstance(times, int)}
        return Rewrites(macs_before, macs_after, applied).with_precision(done)

    def with_kernels(self, done: Mapping[str, Any]) -> Rewrites:
        """The same, with what the phases that make kernels did: products on bytes among it."""
        applied = {name: times for name, times in done.items() if isinstance(times, int)}
        return replace(self, applied={**self.applied, **applied}).with_precision(done)

    def with_precision(self, done: Mapping[str, Any]) -> Rewrites:
        """The same, with the lower precision that one of these phases reached, if any."""
        found = [one for one in done.values() if isinstance(one, LowerPrecision)]
        return replace(self, precision=found[0]) if found else self

    def to_dict(self) -> dict[str, Any]:
        """For the manifest."""
        return {
            "macs_before": self.macs_before,
            "macs_after": self.macs_after,
            "applied": dict(self.applied),
            **({} if self.precision is None else self.precision.to_dict()),
        }


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
    if is_operator(call, "nn.attention", "nn.attention_bias"):
        query, key, value = (shape_of(one) for one in call.args[:3])
        if not (query and key and value):
            return 0
        return prod(query[:3]) * key[1] * (query[3] + value[3])
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
