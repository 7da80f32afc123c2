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
    """Which operators compute in the precision `name`, and which keep float32, by their names."""

    name: str
    lowered: Counter[str] = field(default_factory=Counter)
    wide: Counter[str] = field(default_factory=Counter)

    def lower(self, call: relax.Call) -> None:
        """Count an operator that computes in it."""
        self.lowered[_name(call)] += 1

    def keep_wide(self, call: relax.Call) -> None:
        """Count an operator that keeps float32."""
        self.wide[_name(call)] += 1


@dataclass(frozen=True)
class Rewrites:
    """Multiply-adds of the model before and after, how often each rewrite applied, and which
    operators lower precisions reached, one after the other."""

    macs_before: int
    macs_after: int
    applied: dict[str, int]
    precisions: tuple[LowerPrecision, ...] = ()

    @staticmethod
    def of(macs_before: int, macs_after: int, done: Mapping[str, Any]) -> Rewrites:
        """The account of phases that did this, by name: numbers of times, or a lower precision."""
        return Rewrites(macs_before, macs_after, {}).with_phases(done)

    def with_phases(self, done: Mapping[str, Any]) -> Rewrites:
        """The same, with what later phases did too."""
        applied = {name: times for name, times in done.items() if isinstance(times, int)}
        reached = [one for one in done.values() if isinstance(one, LowerPrecision)]
        return replace(
            self,
            applied={**self.applied, **applied},
            precisions=(*self.precisions, *reached),
        )

    def operators(self) -> dict[str, Any]:
        """How many operators each lower precision reached, and which keep float32 in the end."""
        if not self.precisions:
            return {}
        wide: Counter[str] = Counter()
        for reached in self.precisions:
            wide = wide - reached.lowered + reached.wide
        lowered = {f"{one.name}_operators": one.lowered.total() for one in self.precisions}
        return {**lowered, "fp32_operators": dict(sorted(wide.items()))}

    def to_dict(self) -> dict[str, Any]:
        """For the manifest."""
        return {
            "macs_before": self.macs_before,
            "macs_after": self.macs_after,
            "applied": dict(self.applied),
            **self.operators(),
        }


def _name(call: relax.Call) -> str:
    return str(call.op.name).removeprefix("relax.")


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
