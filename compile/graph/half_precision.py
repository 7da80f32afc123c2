"""Keep tensors in float16 and compute in it where that is safe; rounds to 2^-11 of each value.

Convolutions and matrix products take float16 operands, and what moves or blends their results
follows them. Those of few outputs add up in float32, and what is computed of these alone stays so.
What is delicate (exponentials, means and sums, norms, powers, interpolation) is computed in
float32 on operands that are widened where they are read; fusion makes that a conversion in a
register. The mean of an image's pixels reads and writes float16. Inputs and outputs keep their
types.
"""

from __future__ import annotations

import numpy as np
import tvm
from tvm import relax

from compile.graph.accounting import LowerPrecision
from compile.graph.last_products import PRODUCTS, last_products
from compile.graph.narrow_products import is_narrow, with_wide_sums
from compile.graph.relax_rewriter import (
    Translator,
    call_on,
    is_straight,
    translate,
    with_operands,
)
from compile.graph.tensors import constant_of, is_operator
from compile.graph.whole_numbers import is_whole
from depthbench.errors import InputError

HALF = "float16"
# Exact in any type: they stay in that of their operands.
_MOVES = (
    *("reshape", "permute_dims", "concat", "split", "strided_slice", "squeeze", "expand_dims"),
    *("flatten", "broadcast_to", "tile", "repeat", "flip", "take", "nn.pad", "nn.max_pool2d"),
    *("nn.relu", "abs", "negative", "max", "min"),
)
# One rounding: float16 where all computed operands are and no constant is lost.
_BLENDS = (
    *("add", "subtract", "multiply", "divide", "maximum", "minimum", "clip"),
    *("nn.relu6", "nn.leakyrelu", "nn.prelu", "where"),
)
# Computed in float32; the result is bounded, or as large as the operand, and rounded at once.
_ROUNDED = (
    *("sigmoid", "tanh", "erf", "nn.softmax", "nn.log_softmax", "nn.softplus", "nn.selu"),
    *("nn.gelu", "nn.gelu_tanh", "nn.silu", "image.resize2d", "nn.avg_pool2d"),
    *("nn.layer_norm", "nn.group_norm", "nn.instance_norm", "nn.batch_norm", "nn.rms_norm"),
)


def half_precision(
    mod: tvm.IRModule, *, wide_end: bool = False
) -> tuple[tvm.IRModule, LowerPrecision]:
    """The module with its inside in float16, and the account.

    With `wide_end` its last products, and what is computed of them, stay float32. Raises InputError
    for a model with branches.
    """
    done = LowerPrecision("fp16")
    if not is_straight(mod["main"]):
        raise InputError("a model with branches (If, Loop) stays float32: compile it without fp16")
    wide = last_products(mod["main"]) if wide_end else set()
    return translate(mod, lambda builder, _: _Halver(builder, done, wide)), done


class _Halver(Translator):
    """A value may lie in float16 where the model has float32.

    `wide` are products that stay float32; `narrow` are values in float32 that become float16 where
    they meet others that are.
    """

    def __init__(
        self, builder: relax.BlockBuilder, done: LowerPrecision, wide: set[relax.Var]
    ) -> None:
        super().__init__(builder)
        self.done = done
        self.wide = wide
        self.cast: dict[tuple[relax.Expr, str], relax.Expr] = {}
        self.narrow: set[relax.Expr] = set()

    def bind(self, var: relax.Var, value: relax.Expr) -> None:
        if var in self.wide:
            self.values[var] = self.builder.emit(self.plain(value))
            self.done.keep_wide(value)
        elif isinstance(value, relax.Call) and isinstance(value.op, tvm.ir.Op):
            self.values[var] = self._call(value)
        elif isinstance(value, relax.TupleGetItem | relax.Var):
            self.values[var] = self.builder.emit(with_operands(value, self._as_is))
        else:
            self.values[var] = self.builder.emit(self.plain(value))

    def _call(self, call: relax.Call) -> relax.Expr:
        follows = _follows(call) and self._fits(call)
        if is_operator(call, *PRODUCTS):
            half = self._product(call)
        else:
            half = self._halved(call) if follows and self._all_half(call) else None
        if half is not None:
            self.done.lower(call)
            result = self.builder.emit(half)
        else:
            result = self.builder.emit(self.plain(call))
            if not _is_float(call):
                return result
            self.done.keep_wide(call)
        rounded = is_operator(call, *_ROUNDED)
        if rounded and self._any_half(call):
            return self._in(result, HALF)
        if is_narrow(call) or ((follows or rounded) and self._all_narrow(call)):
            self.narrow.add(result)
        return result

    def _product(self, call: relax.Call) -> relax.Expr | None:
        """A product of float16 operands; None where it stays as it is."""
        if self._is_whole(call):
            return None
        if is_narrow(call):
            operands = [self._as_is(call.args[0]), call.args[1]]
            return with_wide_sums(call, operands) if self._all_half(call) else None
        return self._halved(call) if self._fits(call, keep_small=False) else None

    def _is_whole(self, call: relax.Call) -> bool:
        """Whether it multiplies whole numbers: exact as it is, and sums may be too large here."""
        return is_whole(self.plain(call.args[0]), self.builder.lookup_binding)

    def _fits(self, call: relax.Call, *, keep_small: bool = True) -> bool:
        """Whether float16 holds the constants of the call."""
        constants = [constant_of(one) for one in _tensors(call)]
        return all(_fits(one, keep_small) for one in constants if one is not None)

    def _halved(self, call: relax.Call) -> relax.Expr:
        """The call on float16 operands."""
        arguments = [self._argument(argument) for argument in call.args]
        return call_on(call, arguments)

    def _argument(self, expr: relax.Expr) -> relax.Expr:
        if isinstance(expr, relax.Tuple):
            return relax.Tuple([self._argument(one) for one in expr.fields])
        value = constant_of(expr)
        if value is not None:
            return relax.const(value.astype(HALF)) if value.dtype == np.float32 else expr
        if isinstance(expr, relax.Var):
            return self._in(self._as_is(expr), HALF) if _is_float(expr) else self._as_is(expr)
        return expr

    def _in(self, expr: relax.Expr, dtype: str) -> relax.Expr:
        """A tensor in another type, converted at most once; tuples and equal types as they are."""
        if not _is_float(expr) or str(expr.ty.dtype) == dtype:
            return expr
        if (expr, dtype) not in self.cast:
            self.cast[expr, dtype] = self.builder.emit(relax.op.astype(expr, dtype))
        return self.cast[expr, dtype]

    def _as_is(self, var: relax.Var) -> relax.Expr:
        return self.values.get(var, var)

    def whole(self, var: relax.Var) -> relax.Expr:
        """A variable in the type that the model has it in."""
        value = self._as_is(var)
        if isinstance(var.ty, relax.TupleType):
            fields = [
                self._in(self.builder.emit(relax.TupleGetItem(value, index)), str(kind.dtype))
                for index, kind in enumerate(var.ty.fields)
            ]
            return relax.Tuple(fields)
        return self._in(value, str(var.ty.dtype)) if _is_float(var) else value

    def _computed(self, call: relax.Call) -> list[relax.Expr]:
        """The float operands that are no constants."""
        found = [self._as_is(one) for one in _tensors(call) if isinstance(one, relax.Var)]
        return [one for one in found if _is_float(one)]

    def _any_half(self, call: relax.Call) -> bool:
        return any(_is_half(one) for one in self._computed(call))

    def _all_half(self, call: relax.Call) -> bool:
        """Whether the operands are float16, or may become so beside one that is."""
        found = self._computed(call)
        return self._any_half(call) and all(_is_half(one) or one in self.narrow for one in found)

    def _all_narrow(self, call: relax.Call) -> bool:
        found = self._computed(call)
        return bool(found) and all(one in self.narrow for one in found)


def _follows(call: relax.Call) -> bool:
    """Whether the result is float16 where what it is computed of is."""
    if is_operator(call, "mean"):
        return _pools(call)
    if is_operator(call, *_BLENDS):
        return not _divides(call)
    return is_operator(call, *_MOVES) or is_nearest(call)


def is_nearest(call: relax.Call) -> bool:
    """Whether the call is a resize that copies pixels."""
    return is_operator(call, "image.resize2d") and str(call.attrs.method) == "nearest_neighbor"


def _pools(call: relax.Call) -> bool:
    """Whether the call takes the mean of each channel of an image, whose sum is float32's."""
    axes = [int(axis) % 4 for axis in call.attrs.axis or ()]
    return len(call.args[0].ty.shape) == 4 and sorted(axes) == [2, 3]


def _divides(call: relax.Call) -> bool:
    """Whether the call divides by something computed, whose smallness may be all that matters."""
    return is_operator(call, "divide") and constant_of(call.args[1]) is None


def _tensors(call: relax.Call) -> list[relax.Expr]:
    found: list[relax.Expr] = []
    for argument in call.args:
        found += argument.fields if isinstance(argument, relax.Tuple) else [argument]
    return found


def _is_float(expr: relax.Expr) -> bool:
    kind = expr.ty
    return isinstance(kind, relax.TensorType) and str(kind.dtype) in ("float32", HALF)


def _is_half(expr: relax.Expr) -> bool:
    return str(expr.ty.dtype) == HALF


def _fits(value: np.ndarray, keep_small: bool) -> bool:
    """Whether a constant keeps its meaning in float16: finite, and with `keep_small` not zero."""
    if value.dtype != np.float32:
        return True
    with np.errstate(over="ignore"):
        half = value.astype(np.float16)
    lost = (half == 0) & (value != 0) if keep_small else np.zeros(1, bool)
    return bool(np.isfinite(half[np.isfinite(value)]).all() and not lost.any())
