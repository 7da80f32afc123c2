"""Which products of a network are its last: those that no window lies behind.

What a sum has lost is evened out where a window adds up neighbours that have lost something else.
Nothing evens out what is lost behind the last window.
"""

from __future__ import annotations

from math import prod

from tvm import relax
from tvm_ffi import structural_walk

from compile.graph.narrow_products import is_narrow
from compile.graph.tensors import is_operator, shape_of

WINDOWS = (
    *("nn.conv1d", "nn.conv2d", "nn.conv3d"),
    *("nn.conv1d_transpose", "nn.conv2d_transpose", "nn.conv3d_transpose"),
)
PRODUCTS = ("matmul", *WINDOWS)


def last_products(main: relax.Function) -> set[relax.Var]:
    """The products of a function without branches that are computed into no window but narrow ones.

    The last window itself is among them.
    """
    found: set[relax.Var] = set()
    before: set[relax.Var] = set()
    bindings = [binding for block in main.body.blocks for binding in block.bindings]
    for binding in reversed(bindings):
        ahead = binding.var in before
        if not ahead and is_operator(binding.value, *PRODUCTS):
            found.add(binding.var)
        if ahead or _is_window(binding.value):
            structural_walk(binding.value, (relax.Var, before.add))
    return found


def _is_window(value: relax.Expr) -> bool:
    if not is_operator(value, *WINDOWS) or is_narrow(value):
        return False
    shape, layout = shape_of(value.args[1]), value.attrs.kernel_layout
    edges = zip(shape or [], layout, strict=False)
    return shape is None or prod(edge for edge, axis in edges if axis not in "IO") > 1
