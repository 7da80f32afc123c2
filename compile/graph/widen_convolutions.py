"""Write convolutions along one axis as ones over images of one row, which have schedules."""

from __future__ import annotations

import tvm
from tvm import relax

from compile.graph.relax_rewriter import Translator, translate_counting
from compile.graph.tensors import constant_of, integers, is_operator, shape_of


def widen_convolutions(mod: tvm.IRModule) -> tuple[tvm.IRModule, int]:
    """The module without convolutions along one axis, and how many those were; exact.

    Those by weights that are computed stay.
    """
    return translate_counting(mod, lambda builder, uses: _Widener(builder))


class _Widener(Translator):
    def changed(self, var: relax.Var, value: relax.Expr) -> relax.Expr | None:
        """A convolution over the same numbers as an image of one row."""
        if not is_operator(value, "nn.conv1d"):
            return None
        weight, shape, result = constant_of(value.args[1]), shape_of(value.args[0]), shape_of(var)
        attributes = value.attrs
        layouts = attributes.data_layout, attributes.kernel_layout, attributes.out_layout
        if weight is None or shape is None or result is None or layouts != ("NCW", "OIW", "NCW"):
            return None
        left, right = integers(attributes.padding)
        image = self.builder.emit(relax.op.reshape(value.args[0], [*shape[:2], 1, shape[2]]))
        rows = relax.op.nn.conv2d(
            image,
            relax.const(weight[:, :, None], str(weight.dtype)),
            strides=[1, *integers(attributes.strides)],
            padding=[0, left, 0, right],
            dilation=[1, *integers(attributes.dilation)],
            groups=int(attributes.groups),
        )
        self.applied += 1
        return relax.op.reshape(self.builder.emit(rows), result)
