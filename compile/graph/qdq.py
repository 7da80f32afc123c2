"""Read models whose tensors are quantised and dequantised again (ONNX's QDQ form).

A quantised weight is a constant like any other: it becomes the float32 tensor that it stands for,
which the rewrites of the graph understand. What is done to images stays in the graph.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import tvm
from tvm import relax
from tvm_ffi import structural_walk

from compile.graph.relax_rewriter import Translator, Uses, translate, translate_counting
from compile.graph.tensors import constant_of, is_operator

# What is added to a zero point when bytes of the first type become those of the second.
_SHIFT = {("uint8", "int8"): -128, ("int8", "uint8"): 128}


def dequantise_weights(mod: tvm.IRModule) -> tuple[tvm.IRModule, int]:
    """The module with its dequantised constants as float32 constants, and how many; exact."""
    return translate_counting(mod, lambda builder, _: _Weights(builder))


def has_quantised(mod: tvm.IRModule) -> bool:
    """Whether anything is dequantised: bytes that products may be computed on."""
    found: list[bool] = []
    structural_walk(
        mod["main"].body, (relax.Call, lambda call: found.append(is_operator(call, "dequantize")))
    )
    return any(found)


def store_bytes(mod: tvm.IRModule, dtype: str) -> tvm.IRModule:
    """The module with what is quantised and dequantised again kept as `dtype`; exact.

    uint8 and int8 differ by 128 in the zero point.
    """
    if not has_quantised(mod):
        return mod
    read: Uses = Counter()

    def count(call: relax.Call) -> None:
        if is_operator(call, "dequantize") and isinstance(call.args[0], relax.Var):
            read[call.args[0]] += 1

    structural_walk(mod["main"].body, (relax.Call, count))
    return translate(mod, lambda builder, uses: _Storer(builder, dtype, read, uses))


def has_one_scale(call: relax.Call) -> bool:
    """Whether all of a tensor is quantised or dequantised with one scale and zero point."""
    return scale_and_zero(call) is not None


def scale_and_zero(call: relax.Call) -> tuple[float, int] | None:
    """The constant scale and zero point of a whole tensor; None where there are several."""
    scale, zero = (constant_of(argument) for argument in call.args[1:])
    if scale is None or zero is None or scale.size != 1 or zero.size != 1:
        return None
    return float(scale.reshape(())), int(zero.reshape(()))


class _Storer(Translator):
    def __init__(self, builder: relax.BlockBuilder, dtype: str, read: Uses, uses: Uses) -> None:
        super().__init__(builder)
        self.dtype = dtype
        self.read = read
        self.uses = uses
        self.moved: set[relax.Var] = set()

    def bind(self, var: relax.Var, value: relax.Expr) -> None:
        if is_operator(value, "quantize") and has_one_scale(value):
            shift = _SHIFT.get((str(value.attrs.out_dtype), self.dtype))
            if shift is not None and self.read[var] == self.uses[var]:
                self.moved.add(var)
                value = self._shifted(value, shift, self.dtype)
        elif is_operator(value, "dequantize") and value.args[0] in self.moved:
            shift = _SHIFT[str(value.args[0].ty.dtype), self.dtype]
            value = self._shifted(value, shift, str(value.attrs.out_dtype))
        self.values[var] = self.builder.emit(self.plain(value))

    def _shifted(self, call: relax.Call, shift: int, out_dtype: str) -> relax.Expr:
        found = scale_and_zero(call)
        assert found is not None
        same = getattr(relax.op, call.op.name.removeprefix("relax."))
        zero = relax.const(np.array(found[1] + shift, self.dtype))
        data, scale = self.plain(call.args[0]), call.args[1]
        return same(data, scale, zero, axis=int(call.attrs.axis), out_dtype=out_dtype)


class _Weights(Translator):
    def changed(self, var: relax.Var, value: relax.Expr) -> relax.Expr | None:
        known = _dequantised(value) if is_operator(value, "dequantize") else None
        self.applied += known is not None
        return None if known is None else relax.const(known)


def _dequantised(call: relax.Call) -> np.ndarray | None:
    data, scale, zero = (constant_of(argument) for argument in call.args)
    if data is None or scale is None or zero is None or str(call.attrs.out_dtype) != "float32":
        return None
    axis = int(call.attrs.axis) % max(data.ndim, 1)
    shape = [extent if place == axis else 1 for place, extent in enumerate(data.shape)]
    scale, zero = (one.reshape(shape if one.size > 1 else ()) for one in (scale, zero))
    centred = data.astype(np.int64) - zero.astype(np.int64)
    return (centred.astype(np.float32) * scale).astype(np.float32)
