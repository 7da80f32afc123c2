"""Operators that look through windows compute the same on ONNX Runtime once written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.compile.conftest import Agree
from tests.compile.onnx.one_node import assert_defined, normal, one_node

pairs = st.lists(st.integers(1, 3), min_size=2, max_size=2)
sizes = st.lists(st.integers(4, 8), min_size=2, max_size=2)


@given(
    size=sizes,
    kernel_shape=pairs,
    strides=pairs,
    dilations=pairs,
    pads=st.lists(st.integers(0, 1), min_size=4, max_size=4),
    auto_pad=st.sampled_from(["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]),
    ceil_mode=st.integers(0, 1),
    storage_order=st.integers(0, 1),
    dtype=st.sampled_from([np.float32, np.int8]),
    opset=st.sampled_from([12, 22]),
)
@settings(max_examples=60)
def test_places_of_maxima(*, size: list[int], dtype: Any, opset: int, **attributes: Any) -> None:
    windows = [attributes[name] for name in ("kernel_shape", "dilations", "strides")]
    axes = list(zip(size, *windows, strict=True))
    assume(all((k - 1) * d < n for n, k, d, _ in axes))
    if attributes["ceil_mode"]:  # no window may begin beyond the image
        attributes["pads"] = [0] * 4
        assume(all(s <= k for _, k, _, s in axes))
    assume(max(attributes["pads"]) <= min(attributes["kernel_shape"]) // 2)
    if attributes["auto_pad"] != "NOTSET":
        attributes.pop("pads")
        attributes["ceil_mode"] = 0
    if attributes["auto_pad"].startswith("SAME"):
        attributes["dilations"] = [1, 1]
        assume(all(s <= k for _, k, _, s in axes))
    x = (3 * normal(2, 2, *size)).astype(dtype)
    assert_defined(*one_node("MaxPool", opset, x, outputs=2, **attributes))


@given(
    size=sizes,
    kernel_shape=pairs,
    strides=pairs,
    dilations=pairs,
    pads=st.lists(st.integers(0, 1), min_size=4, max_size=4),
    auto_pad=st.sampled_from(["NOTSET", "VALID"]),
    p=st.integers(1, 4),
    opset=st.sampled_from([18, 22]),
)
def test_norms_of_windows_that_end_beyond_the_image(
    *, size: list[int], auto_pad: str, opset: int, **attributes: Any
) -> None:
    windows = zip(size, attributes["kernel_shape"], attributes["dilations"], strict=True)
    assume(all((k - 1) * d < n for n, k, d in windows))
    assume(max(attributes["pads"]) < min(attributes["kernel_shape"]))
    if auto_pad == "VALID":
        attributes.pop("pads")
    attributes |= {"auto_pad": auto_pad, "ceil_mode": 1}
    assert_defined(*one_node("LpPool", opset, normal(2, 2, *size), **attributes))


def test_norms_of_windows_that_end_beyond_the_image_compiled(agree: Agree) -> None:
    options: dict[str, Any] = {"kernel_shape": [1, 3], "strides": [3, 3], "p": 4, "ceil_mode": 1}
    agree(one_node("LpPool", 20, normal(1, 3, 5, 7), **options)[0])


@given(sizes, pairs, pairs, st.sampled_from([9, 11, 22]), st.sampled_from([None, 0, 1]))
def test_maxima_put_back(
    size: list[int], kernel: list[int], strides: list[int], opset: int, more: int | None
) -> None:
    whole = [(n - 1) * s + k for n, s, k in zip(size, strides, kernel, strict=True)]
    result = np.array([1, 2, *whole]) + np.array([0, 0, more or 0, 0])
    index = np.random.default_rng(0).permutation(int(np.prod([2, *whole])))
    places = index[: 2 * int(np.prod(size))].reshape(1, 2, *size)
    wanted = [] if more is None else [result]
    operands = [normal(1, 2, *size), places, *wanted]
    options: dict[str, Any] = {"kernel_shape": kernel, "strides": strides, "constants": len(wanted)}
    assert_defined(*one_node("MaxUnpool", opset, *operands, **options))


@given(
    size=sizes,
    kernel=pairs,
    strides=pairs,
    dilations=pairs,
    more=st.lists(st.integers(-2, 2), min_size=2, max_size=2),
    auto_pad=st.sampled_from(["NOTSET", "SAME_UPPER", "SAME_LOWER"]),
    biased=st.booleans(),
    opset=st.sampled_from([8, 11, 22]),
)
def test_transposed_convolution_of_given_size(
    *,
    size: list[int],
    kernel: list[int],
    more: list[int],
    auto_pad: str,
    biased: bool,
    opset: int,
    **attributes: Any,
) -> None:
    axes = zip(size, kernel, attributes["strides"], attributes["dilations"], more, strict=True)
    assume(all(m < s for m, s in zip(more, attributes["strides"], strict=True)))
    output_shape = [(n - 1) * s + (k - 1) * d + 1 + m for n, k, s, d, m in axes]
    operands = [normal(1, 4, *size), normal(4, 3, *kernel, seed=1)]
    bias = [normal(6, seed=2)] if biased else []
    attributes |= {"output_shape": output_shape, "auto_pad": auto_pad, "group": 2}
    assert_defined(*one_node("ConvTranspose", opset, *operands, *bias, **attributes))


@given(
    size=sizes,
    block=pairs,
    strides=pairs,
    dilations=pairs,
    pads=st.lists(st.integers(0, 2), min_size=4, max_size=4),
)
def test_image_of_columns(*, size: list[int], block: list[int], **attributes: Any) -> None:
    counts = []
    for i in range(2):
        whole = size[i] + attributes["pads"][i] + attributes["pads"][i + 2]
        reach = attributes["dilations"][i] * (block[i] - 1) + 1
        counts.append((whole - reach) // attributes["strides"][i] + 1)
    assume(min(counts) > 0)
    columns = normal(2, 3 * block[0] * block[1], counts[0] * counts[1])
    operands = columns, np.array(size), np.array(block)
    assert_defined(*one_node("Col2Im", 18, *operands, constants=2, **attributes))


@given(
    size=sizes,
    kernel=pairs,
    strides=pairs,
    dilations=pairs,
    pads=st.lists(st.integers(0, 1), min_size=4, max_size=4),
    shares=st.sampled_from([1, 2]),
    group=st.sampled_from([1, 2]),
    masked=st.booleans(),
    biased=st.booleans(),
    opset=st.sampled_from([19, 22]),
)
def test_deformable_convolution(
    *,
    size: list[int],
    kernel: list[int],
    shares: int,
    masked: bool,
    biased: bool,
    opset: int,
    **attributes: Any,
) -> None:
    after = []
    for i in range(2):
        whole = size[i] + attributes["pads"][i] + attributes["pads"][i + 2]
        reach = attributes["dilations"][i] * (kernel[i] - 1) + 1
        after.append((whole - reach) // attributes["strides"][i] + 1)
    assume(min(after) > 0)
    taps = shares * kernel[0] * kernel[1]
    operands = [
        normal(2, 4, *size),
        normal(6, 4 // attributes["group"], *kernel, seed=1),
        2 * normal(2, 2 * taps, *after, seed=2),
        normal(6, seed=3) if biased else None,
        *([normal(2, taps, *after, seed=4)] if masked else []),
    ]
    if operands[-1] is None:
        operands.pop()
    attributes |= {"offset_group": shares}
    assert_defined(*one_node("DeformConv", opset, *operands, **attributes))


@pytest.mark.parametrize("output_shape", [[9, 10], [12, 12]])
def test_transposed_convolution_of_given_size_compiled(
    agree: Agree, output_shape: list[int]
) -> None:
    operands = normal(1, 4, 5, 5), normal(4, 3, 3, 3, seed=1)
    options: dict[str, Any] = {"strides": [2, 2], "output_shape": output_shape}
    agree(one_node("ConvTranspose", 11, *operands, **options)[0])
