"""Order the weights of a convolution anew instead of the channels that it reads; exact.

A channel shuffle is a reshape, a transpose and a reshape, which is a copy of the image. Behind it a
convolution can as well read the channels where they were. The order of its sum changes, so that a
result is off by about 1e-7 of the sum of its terms' magnitudes.
"""

from __future__ import annotations

import numpy as np
import tvm
from tvm import relax

from compile.graph.qdq import has_one_scale
from compile.graph.relax_rewriter import Translator, call_on, translate_counting
from compile.graph.tensors import constant_of, is_operator, shape_of


def fold_shuffles(mod: tvm.IRModule) -> tuple[tvm.IRModule, int]:
    """The module with shuffles folded into convolutions, and into how many."""
    return translate_counting(mod, lambda builder, _: _Folder(builder))


class _Folder(Translator):
    def changed(self, var: relax.Var, value: relax.Expr) -> relax.Expr | None:
        return self._folded(value) if is_operator(value, "nn.conv2d") else None

    def _folded(self, call: relax.Call) -> relax.Call | None:
        image, weight = call.args[0], constant_of(call.args[1])
        layouts = call.attrs.data_layout, call.attrs.kernel_layout
        found = self._shuffled(image) if isinstance(image, relax.Var) else None
        if found is None or weight is None or layouts != ("NCHW", "OIHW"):
            return None
        if int(call.attrs.groups) != 1:
            return None
        source, order = found
        moved = np.empty_like(weight)
        moved[:, order] = weight
        self.applied += 1
        return call_on(call, [source, relax.const(moved, str(moved.dtype))])

    def _shuffled(self, image: relax.Expr) -> tuple[relax.Expr, np.ndarray] | None:
        """The image before a shuffle, and where in it each channel comes from.

        An image that is quantised behind the shuffle is quantised before it.
        """
        for name in ("dequantize", "quantize"):
            call = self._call(image, name)
            if call is None or not has_one_scale(call):
                continue
            found = self._shuffled(call.args[0])
            if found is None:
                return None
            source, order = found
            same = call_on(call, [source, *call.args[1:]])
            return self.builder.emit(same), order
        shape = shape_of(image)
        merged = self._call(image, "reshape")
        transposed = None if merged is None else self._call(merged.args[0], "permute_dims")
        split = None if transposed is None else self._call(transposed.args[0], "reshape")
        if split is None or transposed is None or shape is None or len(shape) != 4:
            return None
        apart, source = shape_of(split), split.args[0]
        if transposed.attrs.axes is None or apart is None or shape_of(source) != shape:
            return None
        axes, last = [int(axis) for axis in transposed.attrs.axes], len(apart) - 1
        if axes[0] != 0 or axes[-2:] != [last - 1, last]:
            return None
        if [apart[0], *apart[-2:]] != [shape[0], *shape[-2:]]:
            return None
        numbers = np.arange(shape[1]).reshape(apart[1:-2])
        return source, numbers.transpose([axis - 1 for axis in axes[1:-2]]).reshape(-1)

    def _call(self, expr: relax.Expr, name: str) -> relax.Expr | None:
        value = self.builder.lookup_binding(expr) if isinstance(expr, relax.Var) else None
        return value if is_operator(value, name) else None
