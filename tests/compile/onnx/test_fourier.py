"""Fourier transforms are written out as ONNX Runtime computes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.compile.onnx.one_node import assert_defined, normal, one_node


@given(
    st.lists(st.integers(2, 6), min_size=1, max_size=2),
    st.integers(0, 1),
    st.sampled_from(["real", "complex", "inverse"]),
    st.booleans(),
    st.sampled_from([None, 3, 8]),
    st.sampled_from([17, 20]),
)
def test_transforms(
    shape: list[int], axis: int, kind: str, half: bool, length: int | None, opset: int
) -> None:
    axis = 1 + axis % len(shape)
    half = half and kind == "real"
    x = normal(2, *shape, 1 if kind == "real" else 2)
    operands: list[np.ndarray | None] = [x, np.array(length)] if length else [x]
    options: dict[str, Any] = {"inverse": int(kind == "inverse"), "onesided": int(half)}
    if opset < 20:
        options["axis"] = axis
    else:
        operands = [x, np.array(length) if length else None, np.array(axis)]
    constants = len(operands) - 1
    assert_defined(*one_node("DFT", opset, *operands, constants=constants, **options))


@given(st.integers(1, 5), st.integers(2, 6), st.booleans(), st.booleans())
def test_transforms_of_frames(step: int, length: int, windowed: bool, half: bool) -> None:
    window = [np.abs(normal(length)), np.array(length)] if windowed else [None, np.array(length)]
    operands = normal(2, 20, 1), np.array(step), *window
    options: dict[str, Any] = {"onesided": int(half), "constants": 3}
    assert_defined(*one_node("STFT", 17, *operands, **options))
