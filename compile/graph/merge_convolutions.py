"""Make one convolution of two with nothing curved between them, where that takes fewer MACs.

One of the two is pointwise. A bias between them moves behind the second, which must have no padding
if it reads more than a pixel; so must the second where the first is the pointwise one and has a
bias. Weights are multiplied in double precision and rounded once: a result is off by about 1e-7 of
the sum of its terms' magnitudes.
"""

from __future__ import annotations

import numpy as np
import tvm
from tvm import relax

from compile.graph.relax_rewriter import Translator, Uses, translate_counting
from compile.graph.tensors import constant_of, integers, is_operator, per_channel, shape_of


def merge_convolutions(mod: tvm.IRModule) -> tuple[tvm.IRModule, int]:
    """The module with convolutions merged, and how many are gone."""
    return translate_counting(mod, _Merger)


class _Merger(Translator):
    def __init__(self, builder: relax.BlockBuilder, uses: Uses) -> None:
        super().__init__(builder)
        self.uses = uses
        self.single: dict[relax.Var, relax.Call] = {}  # emitted calls that one operator reads

    def bind(self, var: relax.Var, value: relax.Expr) -> None:
        super().bind(var, value)
        if self.uses[var] == 1:
            result = self.values[var]
            self.single[result] = self.builder.lookup_binding(result)

    def changed(self, var: relax.Var, value: relax.Expr) -> relax.Expr | None:
        return self._merged(value, shape_of(var)) if is_operator(value, "nn.conv2d") else None

    def _merged(self, second: relax.Expr, size: list[int] | None) -> relax.Expr | None:
        first, bias = self._behind_biases(second.args[0])
        if first is None or not is_operator(first, "nn.conv2d") or size is None:
            return None
        narrow, wide = dense_weight(first), dense_weight(second)
        if narrow is None or wide is None or narrow.shape[0] != wide.shape[1]:
            return None
        weight = composed(narrow, wide)
        if weight is None:
            return None
        apart = _macs(shape_of(first), narrow) + _macs(size, wide)
        if _macs(size, weight) >= apart:
            return None
        if bias is not None and any(integers(second.attrs.padding)) and bias.any():
            return None
        spatial = second if wide.shape[2:] != (1, 1) else first
        merged = self.builder.emit(
            relax.op.nn.conv2d(
                first.args[0],
                relax.const(weight.astype(np.float32)),
                strides=list(integers(spatial.attrs.strides)),
                padding=list(integers(spatial.attrs.padding)),
                dilation=list(integers(spatial.attrs.dilation)),
                data_layout="NCHW",
                kernel_layout="OIHW",
                out_dtype=second.attrs.out_dtype,
            )
        )
        self.applied += 1
        self.single[merged] = self.builder.lookup_binding(merged)
        if bias is None:
            return merged
        behind = (wide.sum(axis=(2, 3), dtype=np.float64) @ bias).astype(np.float32)
        return self.builder.emit(relax.op.add(merged, relax.const(behind.reshape(1, -1, 1, 1))))

    def _behind_biases(self, image: relax.Expr) -> tuple[relax.Call | None, np.ndarray | None]:
        """The call before the constants by channel that are added, and their sum."""
        call, bias, shape = self.single.get(image), None, shape_of(image)
        while call is not None and shape is not None and is_operator(call, "add"):
            number = per_channel(call.args[1], shape[1]) if len(shape) == 4 else None
            if number is None:
                return None, None
            bias = number if bias is None else bias + number
            call = self.single.get(call.args[0])
        return call, bias


def composed(first: np.ndarray, second: np.ndarray) -> np.ndarray | None:
    """The OIHW weights of `second` after `first`; None where neither is pointwise."""
    one, two = first.astype(np.float64), second.astype(np.float64)
    if first.shape[2:] == (1, 1):
        return np.einsum("omhw,mi->oihw", two, one[:, :, 0, 0], optimize=True)
    if second.shape[2:] == (1, 1):
        return np.einsum("om,mihw->oihw", two[:, :, 0, 0], one, optimize=True)
    return None


def dense_weight(call: relax.Call) -> np.ndarray | None:
    """The weights of an ungrouped float32 convolution, NCHW; a pointwise one without stride."""
    attributes = call.attrs
    weight = constant_of(call.args[1])
    if (attributes.data_layout, attributes.kernel_layout) != ("NCHW", "OIHW"):
        return None
    if weight is None or weight.dtype != np.float32 or int(attributes.groups) != 1:
        return None
    plain = set(integers(attributes.strides)) == {1} and not any(integers(attributes.padding))
    return weight if weight.shape[2:] != (1, 1) or plain else None


def _macs(size: list[int] | None, weight: np.ndarray) -> int:
    """Multiply-adds of an ungrouped convolution whose result has this size."""
    assert size is not None
    return size[0] * size[2] * size[3] * weight.size
