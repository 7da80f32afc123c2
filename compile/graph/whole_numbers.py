"""Which values are whole numbers, and conversions to integers and back that change none.

Dynamically quantised models multiply bytes less their zero points. The importer has the products in
float32, where they are exact or nearly so, and the model has them as integers for a moment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tvm
from tvm import relax

from compile.graph.qdq import has_quantised, scale_and_zero
from compile.graph.relax_rewriter import Translator, translate_counting
from compile.graph.tensors import constant_of, is_operator

Lookup = Callable[[relax.Var], relax.Expr | None]
_INTEGERS = ("int64", "int32", "int8", "uint8")
# What moves whole numbers, or makes whole numbers of whole numbers.
_KEEPS = ("permute_dims", "reshape", "subtract", "matmul", "nn.conv2d")


def drop_whole_casts(mod: tvm.IRModule) -> tuple[tvm.IRModule, int]:
    """The module without conversions of whole products to integers and back, and how many."""
    if not has_quantised(mod):
        return mod, 0
    return translate_counting(mod, lambda builder, _: _Dropper(builder))


def is_whole(expr: relax.Expr, lookup: Lookup) -> bool:
    """Whether a float32 value is known to be whole numbers: bytes, their sums and products."""
    value = constant_of(expr)
    if value is not None:
        return bool((value == np.rint(value)).all())
    call = lookup(expr) if isinstance(expr, relax.Var) else None
    if not isinstance(call, relax.Call):
        return False
    if is_operator(call, "dequantize"):
        found = scale_and_zero(call)
        return found is not None and found[0] == 1
    if is_operator(call, "astype"):
        return str(call.args[0].ty.dtype) in _INTEGERS
    if not is_operator(call, *_KEEPS):
        return is_operator(call, "round")
    operands = call.args[:1] if is_operator(call, "permute_dims", "reshape") else call.args
    return all(is_whole(operand, lookup) for operand in operands)


class _Dropper(Translator):
    def changed(self, var: relax.Var, value: relax.Expr) -> relax.Expr | None:
        source = None
        if is_operator(value, "astype") and str(value.attrs.dtype) == "float32":
            source = self._source(value.args[0])
        self.applied += source is not None
        return source

    def _source(self, expr: relax.Expr) -> relax.Expr | None:
        """The whole product that integers were made from, if they were."""
        call: Any = self.builder.lookup_binding(expr) if isinstance(expr, relax.Var) else None
        if is_operator(call, "astype") and str(call.attrs.dtype) in ("int32", "int64"):
            return self._source(call.args[0])
        if is_operator(call, "where"):  # the importer's, which makes zeros of what is not finite
            return self._source(call.args[2])
        if not is_operator(call, "matmul", "nn.conv2d"):
            return None
        return expr if is_whole(expr, self.builder.lookup_binding) else None
