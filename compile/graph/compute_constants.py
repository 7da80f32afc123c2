"""Compute with NumPy what TVM's importer makes of biases and indices; exact.

FoldConstant would do so too, by generating and running machine code for each of them: for the
flagship's biases that takes longer than all of its code, and the importer writes five operators
for each index, in case it counts from the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tvm
from tvm import relax

from compile.graph.relax_rewriter import Translator, translate
from compile.graph.tensors import constant_of, is_operator, shape_of


def compute_constants(mod: tvm.IRModule) -> tvm.IRModule:
    """The module, of a `main` without branches, without reshapes of constants and known indices.

    Arithmetic is that of integers: TVM may round what NumPy computes of other numbers otherwise.
    """
    return translate(mod, lambda builder, _: _Computer(builder))


class _Computer(Translator):
    def changed(self, var: relax.Var, value: relax.Expr) -> relax.Expr | None:
        shape = shape_of(var)
        if shape is None or not isinstance(value, relax.Call) or not value.args:
            return None
        if is_operator(value, "shape_to_tensor"):
            edges = value.args[0].ty.values
            static = edges is not None and all(isinstance(one, tvm.tirx.IntImm) for one in edges)
            return relax.const([int(one) for one in edges], "int64") if static else None
        if is_operator(value, "reshape"):
            known = constant_of(value.args[0])
            return None if known is None else relax.const(known.reshape(shape), str(known.dtype))
        return _of_integers(value, var)


def _of_integers(call: relax.Call, var: relax.Var) -> relax.Expr | None:
    operator = next((name for name in _ARITHMETIC if is_operator(call, name)), None)
    known = [constant_of(operand) for operand in call.args]
    operands = [one for one in known if one is not None and one.dtype.kind in "iub"]
    dtype = str(var.ty.dtype)
    if operator is None or len(operands) < len(known) or dtype.startswith("float"):
        return None
    options: dict[str, Any] = {}
    if operator == "take":
        options["axis"] = None if call.attrs.axis is None else int(call.attrs.axis)
        options["mode"] = "wrap" if str(call.attrs.mode) == "wrap" else "clip"
    return relax.const(_ARITHMETIC[operator](*operands, **options).astype(dtype), dtype)


_ARITHMETIC: Mapping[str, Callable[..., Any]] = {
    "add": np.add,
    "astype": np.asarray,
    "less": np.less,
    "take": np.take,
    "where": np.where,
}
