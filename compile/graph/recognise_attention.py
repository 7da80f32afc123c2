"""Recognise attention, softmax(Q K^T) V, in the forms that exporters give to it.

They write two matrix products around a softmax, with scales on queries, keys or scores, perhaps a
mask that is added, and zeros for a row that may look at nothing. It becomes one operator, which
reads and writes heads side by side: where the projections around it have them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite, prod

import numpy as np
import tvm
from tvm import relax

from compile.graph.relax_rewriter import Translator, Uses, call_on, translate_counting
from compile.graph.tensors import constant_of, integers, is_operator, shape_of, static_shape


def recognise_attention(mod: tvm.IRModule) -> tuple[tvm.IRModule, int]:
    """The module with attention as one operator, and how often; exact up to rounding."""
    return translate_counting(mod, _Recogniser)


@dataclass(frozen=True)
class _Scores:
    """Queries [.., queries, size] times keys [.., size, keys], scaled, a mask added."""

    query: relax.Expr
    key: relax.Expr
    scale: float = 1.0
    mask: relax.Expr | None = None

    def fits(self, value: relax.Expr) -> bool:
        """Whether the operator takes these operands: nothing but a mask is broadcast."""
        operands = [self.query, self.key, value]
        types = {str(one.ty.dtype) for one in operands}
        shapes = [shape_of(one) for one in operands]
        known = [one for one in shapes if one is not None and len(one) >= 3 and min(one) > 0]
        if len(known) < len(shapes) or len(types) > 1 or not types <= {"float32", "float16"}:
            return False
        query, key, _ = known
        if len({tuple(one[:-2]) for one in known}) > 1:
            return False
        if self.mask is None:
            return True
        mask = shape_of(self.mask)
        if mask is None or len(query) > 4 or str(self.mask.ty.dtype) not in types:
            return False
        edges = [*query[:-1], key[-1]][len(query) - len(mask) :]
        return mask[-1:] == key[-1:] and all(a in (1, b) for a, b in zip(mask, edges, strict=True))


class _Recogniser(Translator):
    def __init__(self, builder: relax.BlockBuilder, uses: Uses) -> None:
        super().__init__(builder)
        self.uses = uses
        self.reads: Counter[relax.Var] = Counter()

    def bind(self, var: relax.Var, value: relax.Expr) -> None:
        super().bind(var, value)
        if isinstance(self.values[var], relax.Var):
            self.reads[self.values[var]] += self.uses[var]

    def changed(self, var: relax.Var, value: relax.Expr) -> relax.Expr | None:
        if not is_operator(value, "matmul"):
            return None
        weights, hides_nan = self._without_nan(value.args[0])
        weights, compared = self._where_some_count(weights)
        softmax = self._call(weights, "nn.softmax", reads=2 if hides_nan else 1)
        if softmax is None or int(softmax.attrs.axis) not in (-1, len(static_shape(weights)) - 1):
            return None
        if compared is not None and not compared.same_as(softmax.args[0]):
            return None
        scores = self._scores(softmax.args[0], reads=1 if compared is None else 2)
        if scores is None or not scores.fits(value.args[1]):
            return None
        if compared is not None and scores.mask is not None:
            return None  # which may hide a whole row
        self.applied += 1
        return self._attention(scores, value.args[1], static_shape(var), hides_nan)

    def _without_nan(self, expr: relax.Expr) -> tuple[relax.Expr, bool]:
        """What zeros take the place of NaN in, and whether they do."""
        where = self._call(expr, "where")
        asked = self._call(where.args[0], "isnan") if where is not None else None
        if where is None or asked is None or not asked.args[0].same_as(where.args[2]):
            return expr, False
        zero = constant_of(where.args[1])
        hides = zero is not None and not zero.any()
        return (where.args[2], True) if hides else (expr, False)

    def _where_some_count(self, expr: relax.Expr) -> tuple[relax.Expr, relax.Expr | None]:
        """What zeros take the place of where a row's largest score is the lowest number.

        With these scores, or None where there are none. Without a mask, no row is so low.
        """
        where = self._call(expr, "where")
        asked = self._call(where.args[0], "less_equal") if where is not None else None
        largest = self._call(asked.args[0], "max") if asked is not None else None
        if where is None or asked is None or largest is None:
            return expr, None
        zero, lowest = constant_of(where.args[1]), constant_of(asked.args[1])
        if zero is None or zero.any() or lowest is None or lowest.dtype.kind != "f":
            return expr, None
        last = len(static_shape(where.args[2])) - 1
        along = largest.attrs.axis is not None and integers(largest.attrs.axis) in ((-1,), (last,))
        if not along or not largest.attrs.keepdims or (lowest > np.finfo(lowest.dtype).min).any():
            return expr, None
        return where.args[2], largest.args[0]

    def _scores(self, expr: relax.Expr, reads: int = 1) -> _Scores | None:
        """What a softmax is taken of, and so many read."""
        call = self._call(expr, "matmul", "add", "multiply", "divide", reads=reads)
        if call is None:
            return None
        if is_operator(call, "matmul"):
            (query, left), (key, right) = map(self._unscaled, call.args)
            return _Scores(query, key, left * right)
        if is_operator(call, "add"):
            for inner, mask in (call.args, call.args[::-1]):
                found = self._scores(inner)
                if found is not None and found.mask is None and shape_of(inner) == shape_of(expr):
                    return replace(found, mask=mask)
            return None
        scaled = _scaled(call)
        found = self._scores(scaled[0]) if scaled is not None else None
        if scaled is None or found is None or found.mask is not None:
            return None
        return replace(found, scale=found.scale * scaled[1])

    def _unscaled(self, expr: relax.Expr) -> tuple[relax.Expr, float]:
        """An operand without the numbers that it is multiplied by, however it is moved between."""
        call = self._call(expr, "multiply", "divide", "permute_dims", "reshape", reads=None)
        if call is None:
            return expr, 1.0
        if is_operator(call, "multiply", "divide"):
            scaled = _scaled(call)
            if scaled is None:
                return expr, 1.0
            inner, factor = self._unscaled(scaled[0])
            return inner, factor * scaled[1]
        inner, factor = self._unscaled(call.args[0])
        if is_operator(call, "reshape"):
            return self._reshaped(inner, static_shape(expr)), factor
        return self.builder.emit(call_on(call, [inner])), factor

    def _reshaped(self, expr: relax.Expr, shape: Sequence[int]) -> relax.Expr:
        """The value in another shape, by one reshape at most, and that before it is permuted."""
        moved = self._call(expr, "permute_dims", reads=None)
        size, shape = static_shape(expr), list(shape)
        more = len(shape) - len(size)
        if moved is not None and moved.attrs.axes is not None and shape == [1] * more + size:
            inner = moved.args[0]
            inner = self._reshaped(inner, [1] * more + static_shape(inner))
            return self._permuted(
                inner, [*range(more), *(int(axis) + more for axis in moved.attrs.axes)]
            )
        before = self._call(expr, "reshape", reads=None)
        inner = expr if before is None else before.args[0]
        return (
            inner if shape_of(inner) == shape else self.builder.emit(relax.op.reshape(inner, shape))
        )

    def _permuted(self, expr: relax.Expr, axes: Sequence[int]) -> relax.Expr:
        return self.builder.emit(relax.op.permute_dims(expr, list(axes)))

    def _call(self, expr: relax.Expr, *names: str, reads: int | None = 1) -> relax.Call | None:
        """The call that gives a value, if it is of these operators and read so often."""
        if not isinstance(expr, relax.Var) or reads not in (None, self.reads[expr]):
            return None
        call = self.builder.lookup_binding(expr)
        return call if is_operator(call, *names) else None

    def _attention(
        self, scores: _Scores, value: relax.Expr, shape: list[int], hides_nan: bool
    ) -> relax.Expr:
        query = self._permuted(self._of_rank_four(scores.query), (0, 2, 1, 3))
        key = self._permuted(self._of_rank_four(scores.key), (0, 3, 1, 2))
        value = self._permuted(self._of_rank_four(value), (0, 2, 1, 3))
        mask = None if scores.mask is None else self._of_rank_four(scores.mask)
        made = self.builder.emit(relax.op.nn.attention(query, key, value, mask, scale=scores.scale))
        if hides_nan:
            asked = self.builder.emit(relax.op.isnan(made))
            zero = relax.const(0.0, str(made.ty.dtype))
            made = self.builder.emit(relax.op.where(asked, zero, made))
        return self._reshaped(self._permuted(made, (0, 2, 1, 3)), shape)

    def _of_rank_four(self, expr: relax.Expr) -> relax.Expr:
        """With all of its leading axes as two: the last of them is taken for heads."""
        *leading, heads, rows, columns = [1, 1, *static_shape(expr)]
        return self._reshaped(expr, [prod(leading), heads, rows, columns])


def _scaled(call: relax.Call) -> tuple[relax.Expr, float] | None:
    """What a call multiplies by a single number or divides by it, and the factor."""
    pairs = [(call.args[0], call.args[1])]
    if is_operator(call, "multiply"):
        pairs.append((call.args[1], call.args[0]))
    for inner, number in pairs:
        value = constant_of(number)
        if value is None or value.size != 1 or shape_of(inner) != shape_of(call):
            continue
        factor = float(value.reshape(()))
        factor = factor if is_operator(call, "multiply") else 1 / factor if factor else 0.0
        if isfinite(factor) and factor:
            return inner, factor
    return None
