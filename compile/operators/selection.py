"""One of two tensors as a whole, as one number says: the result of a model's `If`.

It is never fused, so that whatever makes one of the two makes nothing else.
"""

from __future__ import annotations

from tvm import relax, te, tirx

from compile.graph.tensors import shape_of

# An attribute of the function, whose operands are the number and the two tensors.
SELECTION = "compile.selection"
# How Relax's fusion is told to leave a function alone.
_OPAQUE = {"op_pattern": 8}


def selects_whole(call: relax.Call) -> bool:
    """Whether a `where` has one condition for all, and two operands of its own shape."""
    condition, yes, no = call.args
    shape = shape_of(call)
    return (
        shape_of(condition) == [] and shape is not None and shape_of(yes) == shape == shape_of(no)
    )


def selection(builder: relax.BlockBuilder, call: relax.Call) -> relax.Expr:
    """A `where` that `selects_whole`, as a function of its own."""

    def compute(condition: te.Tensor, yes: te.Tensor, no: te.Tensor) -> te.Tensor:
        def value(*index: tirx.Expr) -> tirx.Expr:
            return tirx.Select(condition[()], yes[index], no[index])

        return te.compute(yes.shape, value, name="select")

    attributes = {**_OPAQUE, SELECTION: True}
    return builder.call_te(
        compute, *call.args, primfunc_name_hint="selection", primfunc_attrs=attributes
    )
