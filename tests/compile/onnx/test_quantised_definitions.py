"""Operators on bytes are written out so that ONNX Runtime computes the same, to a rounding."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from compile.check import relative_difference
from compile.onnx.checked_model import load_model
from compile.onnx.function_expansion import expand_functions
from depthbench.errors import InputError
from tests.compile.conftest import run_on_onnxruntime
from tests.compile.onnx.one_node import normal, one_node

OPSETS = st.sampled_from([11, 13, 17, 21])
TYPES = st.sampled_from(["uint8", "int8"])
MICROSOFT = "com.microsoft"
# How often a rounding may fall the other way, since float32 sums differ in their last bit.
RARELY = 0.01


def check(
    operator: str,
    opset: int,
    /,
    *operands: np.ndarray | None,
    rarely: float = RARELY,
    **options: Any,
) -> None:
    """Fails unless the results are ONNX Runtime's: bytes within a step, and mostly equal."""
    model, feeds = one_node(operator, opset, *operands, **options)
    made = expand_functions(Path(), copy.deepcopy(model), {operator}, opset)
    assert [node.name for node in made.graph.node] != ["it"]
    wanted = run_on_onnxruntime(model, feeds)
    found = run_on_onnxruntime(made, feeds, as_written=True)
    for name, value in wanted.items():
        assert value.dtype == found[name].dtype
        if value.dtype.itemsize > 1:
            assert relative_difference(found[name], value) < 1e-6
            continue
        steps = np.abs(value.astype(int) - found[name].astype(int))
        assert steps.max() <= 1
        assert (steps > 0).mean() <= rarely


def some_bytes(dtype: str, *shape: int, seed: int = 0) -> np.ndarray:
    ends = np.iinfo(dtype)
    return np.random.default_rng(seed).integers(ends.min, ends.max + 1, shape).astype(dtype)


def number(value: float, dtype: str = "float32") -> np.ndarray:
    return np.array(value, dtype)


@st.composite
def parameters(draw: Any, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """A scale, of no simple ratio to others, and a zero point."""
    ends = np.iinfo(dtype)
    scale = np.random.default_rng(draw(st.integers(0, 2**32))).uniform(2**-8, 2**-4)
    return number(scale), number(draw(st.integers(ends.min, ends.max)), dtype)


@given(st.data(), OPSETS, TYPES, st.sampled_from(["QLinearAdd", "QLinearMul"]))
def test_sums_and_products(data: Any, opset: int, dtype: str, operator: str) -> None:
    x, y = some_bytes(dtype, 2, 3, 50), some_bytes(dtype, 3, 50, seed=1)
    first, second, third = (data.draw(parameters(dtype)) for _ in range(3))
    check(operator, opset, x, *first, y, *second, *third, constants=7, domain=MICROSOFT)


@given(st.data(), OPSETS, TYPES)
def test_maps(data: Any, opset: int, dtype: str) -> None:
    x = some_bytes(dtype, 2, 300)
    operands = [x, *data.draw(parameters(dtype)), *data.draw(parameters(dtype))]
    options: dict[str, Any] = {"constants": 4, "domain": MICROSOFT}
    check("QLinearSigmoid", opset, *operands, **options)
    check("QLinearLeakyRelu", opset, *operands, alpha=0.2, **options)
    third = data.draw(parameters(dtype))
    y = some_bytes(dtype, 2, 100, seed=1)
    together = [*third, x, *operands[1:3], y, *operands[3:]]
    check("QLinearConcat", opset, *together, constants=6, axis=1, domain=MICROSOFT)
    mask = normal(2, 300) > 0
    two = [mask, *operands[:3], some_bytes(dtype, 2, 300, seed=1), *operands[3:], *third]
    check("QLinearWhere", opset, *two, constants=8, domain=MICROSOFT)


@pytest.mark.parametrize("operator", ["QLinearSigmoid", "QLinearLeakyRelu"])
def test_what_onnx_runtime_crashes_on_is_refused(operator: str, tmp_path: Path) -> None:
    operands = some_bytes("uint8", 2, 3), number(0.1), number(3, "uint8"), number(0.1)
    model, _ = one_node(operator, 17, *operands, constants=3, domain=MICROSOFT)
    path = tmp_path / "short.onnx"
    onnx.save(model, str(path))
    with pytest.raises(InputError, match=f"operator {operator} .*a fifth input"):
        load_model(path)


@given(st.data(), OPSETS, st.sampled_from(["QLinearSigmoid", "QLinearLeakyRelu"]))
def test_maps_without_zero_points(data: Any, opset: int, operator: str) -> None:
    x = some_bytes("uint8", 2, 300)
    scales = (data.draw(parameters("uint8"))[0] for _ in range(2))
    operands = [x, next(scales), None, next(scales), None]
    check(operator, opset, *operands, constants=4, domain=MICROSOFT)


@given(
    st.data(),
    st.sampled_from([11, 17]),
    TYPES,
    *[st.booleans()] * 4,
)
def test_poolings(
    data: Any, opset: int, dtype: str, last: bool, padded: bool, counted: bool, ceil: bool
) -> None:
    x = some_bytes(dtype, 1, 7, 8, 9)
    first, second = data.draw(parameters(dtype)), data.draw(parameters(dtype))
    assume(first[0] != second[0])  # or else every other mean of two lies between two steps
    operands = [x, *first, *second]
    options: dict[str, Any] = {"constants": 4, "domain": MICROSOFT, "channels_last": int(last)}
    check(
        "QLinearAveragePool",
        opset,
        *operands,
        kernel_shape=[3, 2],
        strides=[2, 1],
        pads=[int(padded)] * 4,
        count_include_pad=int(counted),
        ceil_mode=int(ceil and not padded and not counted),
        **options,
    )
    check("QLinearGlobalAveragePool", opset, *operands, **options)


@given(
    st.data(),
    st.sampled_from([12, 17]),
    TYPES,
    st.sampled_from([12, 13]),
    st.sampled_from([1 / 256, 1 / 255, 0.01]),
)
def test_softmax(data: Any, opset: int, dtype: str, form: int, scale: float) -> None:
    x, lowest = some_bytes(dtype, 20, 3, 10), np.iinfo(dtype).min
    axis = -1 if form > opset else 1
    operands = [x, *data.draw(parameters(dtype)), number(scale), number(lowest, dtype)]
    options: dict[str, Any] = {"constants": 4, "domain": MICROSOFT, "axis": axis}
    check("QLinearSoftmax", opset, *operands, **options, **{"opset": form})


@st.composite
def weights(draw: Any, *shape: int, channels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bytes, and scales and zero points: of the whole, or of each channel."""
    dtype = draw(TYPES)
    ends = np.iinfo(dtype)
    value = some_bytes(dtype, *shape, seed=1)
    if draw(st.booleans()):
        scale = np.random.default_rng(2).uniform(2**-8, 2**-5, channels).astype(np.float32)
        zero = np.full(channels, draw(st.integers(ends.min, ends.max)), dtype)
        return value, scale, zero
    return value, *draw(parameters(dtype))


def bias(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).integers(-999, 999, shape).astype(np.int32)


@given(st.data(), OPSETS, TYPES, st.integers(1, 2), st.integers(0, 1), st.booleans())
def test_convolutions(
    data: Any, opset: int, dtype: str, groups: int, pad: int, biased: bool
) -> None:
    x = some_bytes(dtype, 1, 4, 8, 8)
    weight, scale, zero = data.draw(weights(6, 4 // groups, 3, 3, channels=6))
    if dtype == "int8" and weight.dtype == np.uint8:
        weight, zero = some_bytes("int8", *weight.shape), zero.astype(np.int8)
    form: dict[str, Any] = {"group": groups, "pads": [pad] * 4}
    result = (number(0.3), number(3, dtype))
    operands = [x, *data.draw(parameters(dtype)), weight, scale, zero, *result]
    operands += [bias(6)] if biased else []
    check("QLinearConv", opset, *operands, constants=len(operands) - 1, **form)
    if groups == 1:
        turned = [x.transpose(0, 2, 3, 1).copy(), *operands[1:]]
        constants = len(operands) - 1
        form |= {"channels_last": 1, "domain": MICROSOFT}
        check("QLinearConv", opset, *turned, constants=constants, **form)
    if dtype == "uint8":
        whole = zero if zero.ndim == 0 else zero[0]
        integers = [x, weight, operands[2], np.array(whole)]
        check("ConvInteger", opset, *integers, constants=3, group=groups, pads=[pad] * 4)


@given(st.data(), OPSETS, TYPES, st.booleans())
def test_matrix_products(data: Any, opset: int, dtype: str, batched: bool) -> None:
    x = some_bytes(dtype, *([2] if batched else []), 7, 16)
    weight, scale, zero = data.draw(weights(16, 5, channels=5))
    if dtype == "int8" and weight.dtype == np.uint8:
        weight, zero = some_bytes("int8", 16, 5), zero.astype(np.int8)
    step, origin = data.draw(parameters(dtype))
    result = (number(0.5), number(3, dtype))
    operands = [x, step, origin, weight, scale, zero, *result]
    check("QLinearMatMul", opset, *operands, constants=7, rarely=0)
    check("MatMulInteger", opset, x, weight, origin, zero, constants=3)
    plain = [x, weight, step, scale, origin, zero, normal(5)]
    check("MatMulIntegerToFloat", opset, *plain, constants=6, domain=MICROSOFT)
    if not batched:
        dense = [x, step, origin, weight.T.copy(), scale, zero, bias(1, 5), *result]
        form: dict[str, Any] = {"transB": 1, "alpha": 0.5, "domain": MICROSOFT}
        check("QGemm", opset, *dense, constants=8, rarely=0, **form)
        check("QGemm", opset, *dense[:7], constants=6, **form)
    if dtype == "uint8":
        moving = [normal(*x.shape), weight, scale, zero, normal(5)]
        check("DynamicQuantizeMatMul", opset, *moving, constants=4, domain=MICROSOFT)


@given(
    st.sampled_from([11, 13, 18]), st.sampled_from([-2, 0, 3]), st.sampled_from([0, 1e-5, 1, 1e5])
)
def test_bytes_of_a_computed_range(opset: int, mean: float, spread: float) -> None:
    x = (normal(3, 40) * spread + mean).astype(np.float32)
    check("DynamicQuantizeLinear", opset, x, outputs=3)


@given(
    OPSETS,
    st.sampled_from(["uint8", "int8", "uint16", "int16"]),
    st.sampled_from([None, 0, 1, -1]),
    st.booleans(),
)
def test_conversions(opset: int, dtype: str, axis: int | None, shifted: bool) -> None:
    count = () if axis is None else ((2, 3, 4)[axis],)
    scale = np.random.default_rng(0).uniform(1e-4, 1e-2, count).astype(np.float32)
    zero = np.full(count, 17 if shifted else 0, dtype)
    form: dict[str, Any] = {"constants": 2, "domain": MICROSOFT}
    form |= {} if axis is None else {"axis": axis}
    check("DequantizeLinear", opset, some_bytes(dtype, 2, 3, 4), scale, zero, **form)
    check("QuantizeLinear", opset, normal(2, 3, 4), scale, zero, **form)


@given(st.data(), OPSETS, *[st.booleans()] * 2)
def test_attention(data: Any, opset: int, masked: bool, causal: bool) -> None:
    x = some_bytes("uint8", 2, 5, 6)
    matrix, scale, zero = data.draw(weights(6, 24, channels=24))
    step, origin = data.draw(parameters("uint8"))
    mask = np.array([3, 5], np.int32) if masked else None
    operands = [x, matrix, normal(24), step, np.array(scale), mask, origin, zero]
    form: dict[str, Any] = {"num_heads": 2, "unidirectional": int(causal), "domain": MICROSOFT}
    check("QAttention", opset, *operands, constants=7, **form)
