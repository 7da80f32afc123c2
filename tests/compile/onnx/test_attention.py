"""Attention is written out as ONNX Runtime computes it, in all forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compile.conftest import Agree
from tests.compile.onnx.one_node import Feeds, assert_defined, normal, one_node

BATCH, SIZE = 2, 4


def mask_of(kind: str, shape: list[int]) -> np.ndarray | None:
    """A mask of booleans or of numbers, that of the first row hiding all."""
    if kind == "none":
        return None
    hidden = normal(*shape, seed=5) > 0
    hidden[..., 0, :] = True
    if kind == "boolean":
        return ~hidden
    return np.where(hidden, -np.inf, normal(*shape, seed=6)).astype(np.float32)


def attention(
    opset: int,
    *,
    flat: bool = False,
    groups: int = 1,
    rows: int = 3,
    columns: int = 3,
    past: int = 0,
    mask: str = "none",
    mask_rank: int = 2,
    outputs: int = 1,
    **attributes: Any,
) -> tuple[Any, Feeds]:
    """A model of one Attention, of two heads of keys and `groups` times as many of queries."""
    lengths = {"q": (2 * groups, rows), "k": (2, columns), "v": (2, columns)}
    operands: list[np.ndarray | None] = []
    for seed, (heads, length) in enumerate(lengths.values()):
        shape = [BATCH, length, heads * SIZE] if flat else [BATCH, heads, length, SIZE]
        operands.append(normal(*shape, seed=seed))
    total = [BATCH, 2 * groups, rows, columns + past][-mask_rank:]
    operands.append(mask_of(mask, total))
    if past:
        operands += [normal(BATCH, 2, past, SIZE, seed=seed) for seed in (7, 8)]
        outputs = max(outputs, 3)
    while operands[-1] is None:
        operands.pop()
    if flat:
        attributes |= {"q_num_heads": 2 * groups, "kv_num_heads": 2}
    return one_node("Attention", opset, *operands, outputs=outputs, **attributes)


@given(
    opset=st.sampled_from([23, 24]),
    flat=st.booleans(),
    groups=st.integers(1, 3),
    rows=st.integers(1, 4),
    columns=st.integers(2, 4),
    past=st.sampled_from([0, 2]),
    mask=st.sampled_from(["none", "boolean", "number"]),
    mask_rank=st.integers(2, 4),
    is_causal=st.integers(0, 1),
    softcap=st.sampled_from([0.0, 2.0]),
    scale=st.sampled_from([None, 0.3]),
    mode=st.sampled_from([None, 0, 1, 2, 3]),
)
def test_attention(*, scale: float | None, mode: int | None, **form: Any) -> None:
    if scale is not None:
        form["scale"] = scale
    if mode is not None:
        form |= {"qk_matmul_output_mode": mode, "outputs": 4}
    assert_defined(*attention(**form))


@given(st.integers(1, 4), st.integers(0, 1), st.lists(st.integers(1, 4), min_size=2, max_size=2))
def test_cache_that_is_filled_in_part(rows: int, is_causal: int, filled: list[int]) -> None:
    q, k, v = normal(2, 2, rows, 4), normal(2, 2, 4, 4, seed=1), normal(2, 2, 4, 4, seed=2)
    operands = q, k, v, None, None, None, np.array(filled)
    assert_defined(*one_node("Attention", 24, *operands, is_causal=is_causal))


@pytest.mark.parametrize("mask", ["none", "boolean", "number"])
def test_attention_compiled(agree: Agree, mask: str) -> None:
    agree(attention(23, flat=True, mask=mask, groups=2, is_causal=1)[0])
