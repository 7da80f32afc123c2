"""Give reshaped constants their shape; exact.

FoldConstant would do so too, by generating and running machine code for each of them: for the
flagship's biases that takes longer than all of its code.
"""

from __future__ import annotations

from typing import Any

import tvm
from tvm import relax

from compile.graph.relax_rewriter import translate, with_operands
from compile.graph.tensors import constant_of, is_operator, shape_of


def reshape_constants(mod: tvm.IRModule) -> tvm.IRModule:
    """The module without reshapes of constants, of a `main` without branches."""
    return translate(mod, lambda builder, _: _Reshaper(builder))


class _Reshaper:
    def __init__(self, builder: relax.BlockBuilder) -> None:
        self.builder = builder
        self.values: dict[Any, Any] = {}

    def bind(self, var: Any, value: Any) -> None:
        value = self.plain(value)
        reshaped = _reshaped(value, shape_of(var))
        self.values[var] = self.builder.emit(value) if reshaped is None else reshaped

    def plain(self, expr: Any) -> Any:
        return with_operands(expr, lambda var: self.values.get(var, var))


def _reshaped(value: Any, shape: list[int] | None) -> Any | None:
    if shape is None or not is_operator(value, "reshape"):
        return None
    constant = constant_of(value.args[0])
    return None if constant is None else relax.const(constant.reshape(shape), str(constant.dtype))
