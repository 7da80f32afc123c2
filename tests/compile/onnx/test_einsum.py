"""Einstein sums, written as products of matrices, compute the same on ONNX Runtime."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.compile.onnx.test_definitions import assert_defined, normal, one_node

LABELS = "abcde"
SIZES = dict(zip(LABELS, (2, 3, 4, 5, 6), strict=True))


def operand(term: str, seed: int) -> np.ndarray:
    return normal(*(SIZES[label] for label in term), seed=seed)


@st.composite
def equations(draw: st.DrawFn) -> tuple[list[str], str]:
    """Terms without a label twice, and a result of some of their labels."""
    terms = draw(
        st.lists(
            st.permutations(LABELS).flatmap(
                lambda order: st.integers(1, 4).map(lambda n: "".join(order[:n]))
            ),
            min_size=2,
            max_size=3,
        )
    )
    every = sorted(set("".join(terms)))
    order = draw(st.permutations(every))
    return terms, "".join(order[: draw(st.integers(0, len(order)))])


@given(equations(), st.booleans(), st.sampled_from([12, 17, 23]))
def test_any_equation(equation: tuple[list[str], str], implicit: bool, opset: int) -> None:
    terms, result = equation
    text = ",".join(terms) + ("" if implicit else f"->{result}")
    operands = [operand(term, seed) for seed, term in enumerate(terms)]
    model, feeds = one_node("Einsum", opset, *operands, equation=text)
    assume(model.graph.output[0].type.tensor_type.HasField("shape"))
    assert_defined(model, feeds)


@pytest.mark.parametrize(
    "equation", ["...ab,bc->...ac", "...ab,...bc", "c...a,ba->c...b", "ca,...a->...c"]
)
def test_an_ellipsis_stands_for_the_other_axes(equation: str) -> None:
    terms = equation.partition("->")[0].split(",")
    operands = [operand(term.replace("...", "de"), seed) for seed, term in enumerate(terms)]
    assert_defined(*one_node("Einsum", 17, *operands, equation=equation))
