"""Einstein sums as products of matrices, for which there are schedules."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING

from compile.onnx.function_body import Body, Operation

if TYPE_CHECKING:
    import onnx

# Images are kept with their channels last, other tensors as they are.
_CHANNELS_LAST = (0, 2, 3, 1)


def _einsum(operation: Operation) -> onnx.FunctionProto | None:
    """Operands are multiplied from the left, two at a time.

    TVM's way is left to sums of one operand, of diagonals, and of axes that are broadcast.
    """
    shapes = [operation.shape(place) for place in range(len(operation.node.input))]
    known = [shape for shape in shapes if shape is not None]
    if len(known) < max(2, len(shapes)):
        return None
    labelled = _labelled(operation.attributes["equation"].replace(" ", ""), known)
    if labelled is None:
        return None
    terms, result = labelled
    sizes = _sizes(terms, known)
    if sizes is None or any(len(set(term)) < len(term) for term in (*terms, result)):
        return None
    writer = _Writer(Body(operation), sizes)
    value, term = writer.body.inputs[0], terms[0]
    for place in range(1, len(terms)):
        later = set(result).union(*terms[place + 1 :])
        wanted = "".join(dict.fromkeys(c for c in term + terms[place] if c in later))
        wanted = result if place == len(terms) - 1 else wanted
        values = (value, writer.body.inputs[place])
        value, term = writer.product(values, (term, terms[place]), wanted), wanted
    return writer.body.function(value)


def _labelled(equation: str, shapes: Sequence[tuple[int, ...]]) -> tuple[list[str], str] | None:
    """The labels of each operand and of the result, an ellipsis as labels of its own."""
    given, arrow, result = equation.partition("->")
    terms = given.split(",")
    counts = [len(term.replace("...", "")) for term in terms]
    free = [c for c in reversed(string.ascii_letters) if c not in equation]
    hidden = max(len(shape) - n for shape, n in zip(shapes, counts, strict=True))
    if not 0 <= hidden <= len(free):
        return None
    own = "".join(free[:hidden])
    for place, (term, shape) in enumerate(zip(terms, shapes, strict=True)):
        terms[place] = term.replace("...", own[hidden - (len(shape) - counts[place]) :])
    if not arrow:
        every = "".join(terms)
        result = own + "".join(sorted(c for c in set(every) - set(own) if every.count(c) == 1))
    result = result.replace("...", own)
    fits = all(len(term) == len(shape) for term, shape in zip(terms, shapes, strict=True))
    return (terms, result) if fits else None


def _sizes(terms: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> dict[str, int] | None:
    """The length of each label's axis; None where operands have different ones."""
    sizes: dict[str, int] = {}
    for term, shape in zip(terms, shapes, strict=True):
        for label, edge in zip(term, shape, strict=True):
            if sizes.setdefault(label, edge) != edge:
                return None
    return sizes


class _Writer:
    """Writes products into a body; `sizes` are the lengths of axes by label."""

    def __init__(self, body: Body, sizes: Mapping[str, int]) -> None:
        self.body = body
        self._sizes = sizes

    def product(self, values: tuple[str, str], terms: tuple[str, str], result: str) -> str:
        """Multiply two operands and sum over the labels that the result does not have."""
        summed = [
            self._sum(value, term, other + result)
            for value, term, other in zip(values, terms, terms[::-1], strict=True)
        ]
        (a, first), (b, second) = summed
        if not set(first) & set(second) - set(result):
            return self.body("Mul", self._spread(a, first, result), self._spread(b, second, result))
        ways = [(a, first, b, second), (b, second, a, first)]
        rows, left, columns, right = min(ways, key=lambda way: self._moved(way[1], way[3], result))
        groups = _groups(left, right, result)
        batch, m, k, n = (self._count(group) for group in groups)
        outer = [batch] if groups[0] else []
        order_rows, order_columns, made = _orders(groups)
        rows = self.body.reshape(self._transpose(rows, left, order_rows), [*outer, m, k])
        columns = self.body.reshape(self._transpose(columns, right, order_columns), [*outer, k, n])
        value = self.body("MatMul", rows, columns)
        value = self.body.reshape(value, [self._sizes[label] for label in made])
        return self._transpose(value, made, result)

    def _sum(self, value: str, term: str, wanted: str) -> tuple[str, str]:
        alone = [place for place, label in enumerate(term) if label not in wanted]
        if not alone:
            return value, term
        left = "".join(label for label in term if label in wanted)
        return self.body.reduce("ReduceSum", value, alone, keepdims=False), left

    def _spread(self, value: str, term: str, result: str) -> str:
        """The operand with its axes in the result's order, and axes of length one for others."""
        value = self._transpose(value, term, "".join(c for c in result if c in term))
        return self.body.reshape(value, [self._sizes[c] if c in term else 1 for c in result])

    def _transpose(self, value: str, term: str, wanted: str) -> str:
        if term == wanted:
            return value
        return self.body("Transpose", value, perm=[term.index(label) for label in wanted])

    def _count(self, labels: str) -> int:
        return prod(self._sizes[label] for label in labels)

    def _moved(self, left: str, right: str, result: str) -> float:
        """How many numbers are copied into another order, about."""
        rows, columns, made = _orders(_groups(left, right, result))
        pairs = ((left, rows), (right, columns), (result, made))
        return sum(_copied(one, other) * self._count(one) for one, other in pairs)


def _groups(left: str, right: str, result: str) -> tuple[str, str, str, str]:
    """The labels of the batch, of rows, of what is summed and of columns."""
    return (
        "".join(c for c in result if c in left and c in right),
        "".join(c for c in result if c in left and c not in right),
        "".join(c for c in left if c in right and c not in result),
        "".join(c for c in result if c in right and c not in left),
    )


def _orders(groups: tuple[str, str, str, str]) -> tuple[str, str, str]:
    """The labels of the rows' operand, of the columns' and of their product, in order."""
    batch, rows, summed, columns = groups
    return batch + rows + summed, batch + summed + columns, batch + rows + columns


def _copied(one: str, other: str) -> float:
    """The share of a tensor that is copied; whether one of four axes is an image is not known."""
    order = tuple(one.index(label) for label in other)
    if order == _CHANNELS_LAST or (one == other and len(one) != len(_CHANNELS_LAST)):
        return 0.0
    return 0.5 if one == other else 1.0


DEFINITIONS = {("", "Einsum"): _einsum}
