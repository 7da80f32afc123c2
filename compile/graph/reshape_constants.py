"""Give reshaped constants their shape; exact.

FoldConstant would do so too, by generating and running machine code for each of them: for the
flagship's biases that takes longer than all of its code.
"""

from __future__ import annotations

import tvm
from tvm import relax

from compile.graph.relax_rewriter import Translator, translate
from compile.graph.tensors import constant_of, is_operator, shape_of


def reshape_constants(mod: tvm.IRModule) -> tvm.IRModule:
    """The module without reshapes of constants, of a `main` without branches."""
    return translate(mod, lambda builder, _: _Reshaper(builder))


class _Reshaper(Translator):
    def changed(self, var: relax.Var, value: relax.Expr) -> relax.Expr | None:
        shape = shape_of(var)
        if shape is None or not is_operator(value, "reshape"):
            return None
        known = constant_of(value.args[0])
        return None if known is None else relax.const(known.reshape(shape), str(known.dtype))
