"""Products of so few outputs that their sums may be float32 without a multiply-add more.

No vector is narrower than `MIN_LANES` numbers, of float32 or of float16. A network's last layer is
such a product: it has one output, and what is computed of it is often its inverse, of which what a
sum in float16 has lost of small numbers is a large part.
"""

from __future__ import annotations

from collections.abc import Sequence

from tvm import relax

from compile.graph.tensors import constant_of, integers, is_operator
from compile.targets import MIN_LANES

WIDE = "float32"


def is_narrow(call: relax.Call) -> bool:
    """Whether a product by known weights has no more outputs than the narrowest vector."""
    if not is_operator(call, "matmul", "nn.conv2d"):
        return False
    weight = constant_of(call.args[1])
    if weight is None:
        return False
    if is_operator(call, "matmul"):
        return weight.ndim == 2 and weight.shape[1] <= MIN_LANES
    outputs = weight.shape[call.attrs.kernel_layout.index("O")]
    return int(call.attrs.groups) == 1 and outputs <= MIN_LANES


def with_wide_sums(call: relax.Call, operands: Sequence[relax.Expr]) -> relax.Expr:
    """A narrow product of other operands, its sums and its result in float32."""
    if is_operator(call, "matmul"):
        return relax.op.matmul(*operands, out_dtype=WIDE)
    attributes = call.attrs
    return relax.op.nn.conv2d(
        *operands,
        strides=list(integers(attributes.strides)),
        padding=list(integers(attributes.padding)),
        dilation=list(integers(attributes.dilation)),
        data_layout=attributes.data_layout,
        kernel_layout=attributes.kernel_layout,
        out_layout=attributes.out_layout,
        out_dtype=WIDE,
    )
