"""Compute convolutions whose results become bytes in float16, where they are not bytes themselves.

The first convolution of a quantised network and its depthwise ones multiply floats. In float16 a
register holds twice as many, and is rounded to bytes in fewer steps; a byte keeps a quarter of its
digits. Sums are short: of a window, or of few planes. They are in steps of the bytes, so that they
need not be multiplied; one that float16 cannot hold is beyond any byte.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import tvm
from tvm import relax

from compile.graph.accounting import LowerPrecision
from compile.graph.qdq import scale_and_zero
from compile.graph.relax_rewriter import Translator, Uses, call_on, translate
from compile.graph.tensors import constant_of, is_operator

_HALF = np.finfo(np.float16)
# The sizes of one output's weights together, in steps: float16 then holds sums of numbers up to 4.
_MOST_STEPS = 2.0**14
# Weights of one output.
_MOST_TERMS = 64


def half_windows(mod: tvm.IRModule) -> tuple[tvm.IRModule, LowerPrecision]:
    """The module with its short sums that are quantised in float16, and the account."""
    done = LowerPrecision("fp16")
    halved = translate(mod, lambda builder, uses: _Halver(builder, uses, done))
    return halved if done.lowered else mod, done


class _Halver(Translator):
    def __init__(self, builder: relax.BlockBuilder, uses: Uses, done: LowerPrecision) -> None:
        super().__init__(builder)
        self.uses, self.done = uses, done
        self.reads: Uses = Counter()
        self.cast: dict[relax.Expr, relax.Expr] = {}

    def bind(self, var: relax.Var, value: relax.Expr) -> None:
        """Bind it, and know how often what it became is read."""
        super().bind(var, value)
        self.reads[self.values[var]] += self.uses[var]

    def changed(self, var: relax.Var, value: relax.Expr) -> relax.Expr | None:
        if not is_operator(value, "quantize"):
            return None
        found = scale_and_zero(value)
        if found is None:
            return None
        image = self._half(value.args[0], found[0])
        if image is None:
            return None
        return call_on(value, [image, relax.const(np.float32(1)), value.args[2]])

    def _half(self, image: relax.Expr, step: float) -> relax.Expr | None:
        """A convolution, maybe with a bias and a ReLU, in float16, in steps; None for others.

        What something else reads too would be computed twice.
        """
        if not isinstance(image, relax.Var) or self.reads[image] != 1:
            return None
        call = self.builder.lookup_binding(image)
        if call is None:
            return None
        if is_operator(call, "nn.conv2d"):
            weight = _fitting(call.args[1], step)
            if weight is None or np.prod(weight.shape[:3]) > _MOST_TERMS:
                return None
            if np.abs(weight).sum((0, 1, 2), np.float64).max() > _MOST_STEPS:
                return None
            self.done.lower(call)
            return self._emit(call, [self._narrow(call.args[0]), relax.const(weight)])
        if is_operator(call, "nn.relu"):
            before = self._half(call.args[0], step)
            return None if before is None else self._emit(call, [before])
        if is_operator(call, "add"):
            bias = _fitting(call.args[1], step)
            before = None if bias is None else self._half(call.args[0], step)
            return None if before is None else self._emit(call, [before, relax.const(bias)])
        return None

    def _emit(self, call: relax.Call, arguments: list[relax.Expr]) -> relax.Expr:
        return self.builder.emit(call_on(call, arguments))

    def _narrow(self, image: relax.Expr) -> relax.Expr:
        if image not in self.cast:
            self.cast[image] = self.builder.emit(relax.op.astype(image, "float16"))
        return self.cast[image]


def _fitting(expr: relax.Expr, step: float) -> np.ndarray | None:
    """A float32 constant in steps, where float16 holds it."""
    value = constant_of(expr)
    if value is None or value.dtype != np.float32:
        return None
    steps = value / step
    return None if np.abs(steps).max() > _HALF.max else steps.astype(np.float16)
