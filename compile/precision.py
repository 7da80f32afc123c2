"""In which numbers a compiled model stores and computes, by name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from compile.targets import Target
from depthbench.errors import InputError
from depthbench.suggest import did_you_mean


@dataclass(frozen=True)
class Precision:
    """How a model is computed: `storage` is the type of weights and of tensors in memory,
    `arithmetic` that of products and of what is done to each element, `tolerance` the largest
    difference from ONNX Runtime's fp32 result that is let through, of its largest value.
    Where `stretch` is not zero, long sums are broken into parts of about so many terms. With
    `wide_end`, the last products and what is computed of them are float32.

    Inputs and outputs of a model, and what `compile/graph/half_precision.py` calls delicate,
    are float32 in every precision.
    """

    name: str
    storage: str
    arithmetic: str
    tolerance: float
    stretch: int = 0
    wide_end: bool = False

    @property
    def closer(self) -> Precision | None:
        """The same, its results closer to those in float32 at some cost; None where it has none."""
        may = self.arithmetic == "float16" and not self.wide_end
        return replace(self, wide_end=True) if may else None

    def to_dict(self) -> dict[str, Any]:
        """For the manifest."""
        if self.arithmetic == "int8":
            return {"storage": self.storage, "products": "int8, each sum exact in int32"}
        whole = f"{self.arithmetic}, each sum in one"
        parts = f"{self.arithmetic}, long sums in stretches of some {self.stretch} terms"
        products = parts if self.stretch else whole
        end = "; float32 from the last window on" if self.wide_end else ""
        return {"storage": self.storage, "products": f"{products}{end}"}


FP32 = Precision("fp32", "float32", "float32", 1e-4)
# A running sum of K products is off by some sqrt(K/2) roundings of 2^-11. Checked as artefacts are,
# the trained flagship differs by 2.3e-3 of its largest output and efficientnet_l2_cat by 2.7e-3.
# What is wrong, rather than rounded, is off by far more than a hundredth.
FP16 = Precision("fp16", "float16", "float16", 1e-2, stretch=128)

# Quantised tensors as the model has them. What lies next to the boundary of two steps may be
# rounded to the other one than in ONNX Runtime, and that error spreads: by how much, the check of
# an artefact finds out for the model. The tolerance is for comparing runtimes.
INT8 = Precision("int8", "int8", "int8", 5e-2)

_PRECISIONS = {one.name: one for one in (FP32, FP16, INT8)}
NAMES: tuple[str, ...] = tuple(_PRECISIONS)


def get(name: str) -> Precision:
    """Return the precision called `name`; raises InputError for an unknown one."""
    if name not in _PRECISIONS:
        raise InputError(f"unknown precision {name!r}", advice=did_you_mean(name, NAMES))
    return _PRECISIONS[name]


def for_target(name: str, target: Target) -> Precision:
    """The precision called `name`; raises InputError where the target computes it slowly."""
    found = get(name)
    if found.arithmetic == "float16" and not target.has_half:
        raise InputError(
            f"target {target.name}: this processor has no fp16 arithmetic (AVX512-FP16 or Armv8.2 "
            "FP16), so that fp16 would be slower than fp32: compile with --precision fp32"
        )
    if found.arithmetic == "int8" and not target.dot_bytes:
        raise InputError(
            f"target {target.name}: this processor multiplies no bytes (AVX512-VNNI or Armv8.2 "
            "dot product), so that int8 would be slower than fp32: compile with --precision fp32"
        )
    return found
