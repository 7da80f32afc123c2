"""Quantised models: products on bytes, beside ONNX Runtime's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import tvm
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from compile import precision, targets
from compile.compiled import Compiled
from compile.lowering import build
from compile.onnx.checked_model import load_model
from compile.operators.bytes.byte_dot_products import BYTES_IN_FLOATS, FILLER
from compile.operators.bytes.byte_products import to_int8
from compile.pipeline import generate
from compile.runtime.executable import Machine, by_name
from depthbench.errors import InputError
from tests.compile.conftest import run_on_onnxruntime

# This machine may have no instruction for bytes; the code for the A76 is checked on any.
TARGETS = [name for name in targets.NAMES if targets.get(name).dot_bytes]
few = settings(
    max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
# Of the inputs, uniform in [0, 1): bytes with some room.
SCALE, ZERO = 1.2 / 255, 20


def through_bytes(
    graph: Any, x: str, scale: float = SCALE, zero: int = ZERO, dtype: type = np.uint8
) -> str:
    """`x` quantised and dequantised again."""
    zero = zero if dtype is np.uint8 else zero - 128
    pair = graph.constant(np.float32(scale)), graph.constant(np.array(zero, dtype))
    return graph.add("DequantizeLinear", graph.add("QuantizeLinear", x, *pair), *pair)


def byte_weight(graph: Any, *shape: int, seed: int = 0) -> str:
    """An int8 weight, dequantised with a scale for each output channel."""
    random = np.random.default_rng(seed)
    weight = random.integers(-127, 128, shape).astype(np.int8)
    weight.reshape(shape[0], -1)[:, 0] = 127  # as a quantiser leaves it
    scale = (random.uniform(0.5, 2, shape[0]) / 127 / np.sqrt(weight[0].size)).astype(np.float32)
    zero = graph.constant(np.zeros(shape[0], np.int8))
    return graph.add(
        "DequantizeLinear", graph.constant(weight), graph.constant(scale), zero, axis=0
    )


@st.composite
def convolutions(draw: st.DrawFn) -> dict[str, Any]:
    """Shapes of a convolution whose groups have whole steps of four inputs."""
    kernel = [draw(st.sampled_from((1, 1, 2, 3, 5))) for _ in range(2)]
    dilation = [draw(st.sampled_from((1, 1, 2))) for _ in range(2)]
    covered = [(size - 1) * step + 1 for size, step in zip(kernel, dilation, strict=True)]
    groups = draw(st.sampled_from((1, 1, 1, 2, 3)))
    return {
        "size": [draw(st.integers(cover, 17)) for cover in covered],
        "batch": draw(st.sampled_from((1, 1, 2))),
        "inputs": draw(st.integers(1, 40)) if groups == 1 else 4 * draw(st.integers(1, 5)),
        "outputs": draw(st.integers(1, 40)) if groups == 1 else 4 * draw(st.integers(1, 5)),
        "groups": groups,
        "attributes": {
            "kernel_shape": kernel,
            "dilations": dilation,
            "pads": [draw(st.integers(0, edge // 2 + 1)) for edge in kernel * 2],
            "strides": [draw(st.sampled_from((1, 1, 2))) for _ in range(2)],
        },
    }


SHORT = {
    "size": [9, 6],
    "batch": 1,
    "inputs": 3,
    "outputs": 7,
    "groups": 1,
    "attributes": {"kernel_shape": [3, 3], "pads": [1, 0, 2, 1]},
}


@given(case=convolutions(), target=st.sampled_from(TARGETS), signed=st.booleans())
@example(case=SHORT, target="arm64-a76", signed=False)
@few
def test_convolutions_of_bytes(
    case: dict[str, Any], target: str, signed: bool, new_graph: Any, agree_int8: Any
) -> None:
    graph, groups = new_graph(), case["groups"]
    x = graph.input([case["batch"], case["inputs"] * groups, *case["size"]])
    x = through_bytes(graph, x, dtype=np.int8 if signed else np.uint8)
    kernel = case["attributes"]["kernel_shape"]
    weight = byte_weight(graph, case["outputs"] * groups, case["inputs"], *kernel)
    y = graph.add("Conv", x, weight, group=groups, **case["attributes"])
    few_planes = case["inputs"] < 4 and groups == 1 and kernel != [1, 1]
    agree_int8(graph.model(y), target, floats=int(few_planes))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("zero", [0, 90])
def test_bias_addend_relu_and_rounding_are_part_of_the_product(
    target: str, zero: int, graph: Any, agree_int8: Any
) -> None:
    scale = 2.0 / 255
    x = through_bytes(graph, graph.input([1, 16, 8, 8]))
    addend = through_bytes(graph, graph.input([1, 24, 8, 8], "r"))
    y = graph.add("Conv", x, byte_weight(graph, 24, 16, 1, 1), graph.weight(24))
    y = graph.add("Relu", graph.add("Add", addend, y))
    y = through_bytes(graph, y, scale, zero)
    compiled = agree_int8(graph.model(y), target, tolerance=1.01 / (255 - zero))
    products = [name for name in names_of(compiled) if "pointwise" in name]
    assert len(products) == 1
    assert not any(word in products[0] for word in ("add", "relu", "quantise"))


@given(
    outputs=st.integers(1, 40),
    signed=st.booleans(),
    zero=st.integers(0, 255),
    scales=st.tuples(st.floats(0.001, 0.1), st.floats(0.004, 0.1)),
    relu=st.booleans(),
)
@example(outputs=32, signed=True, zero=0, scales=(0.1, 0.02), relu=True)  # a large factor
@example(outputs=16, signed=False, zero=37, scales=(0.005, 0.005), relu=False)
@settings(
    max_examples=5, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
def test_bytes_and_products_are_added_to_sums(
    outputs: int,
    signed: bool,
    zero: int,
    scales: tuple[float, float],
    relu: bool,
    new_graph: Any,
    agree_int8: Any,
) -> None:
    graph, dtype = new_graph(), np.int8 if signed else np.uint8
    x = through_bytes(graph, graph.input([1, 16, 5, 6]))
    bytes_ = through_bytes(graph, graph.input([1, outputs, 5, 6], "r"), scales[0], zero, dtype)
    product = graph.add("Conv", x, byte_weight(graph, outputs, 16, 1, 1, seed=1))
    y = graph.add("Conv", x, byte_weight(graph, outputs, 16, 1, 1))
    y = graph.add("Add", graph.add("Add", y, bytes_), product)
    y = through_bytes(graph, graph.add("Relu", y) if relu else y, scales[1], 255 - zero)
    agree_int8(graph.model(y), "arm64-a76", tolerance=1.01 * scales[1] / 0.3)


def test_a_byte_among_the_bits_of_a_float() -> None:
    words = np.full((256, 4), FILLER, np.uint8)
    words[:, 1] = np.arange(256)
    floats = words.view("<f4")[:, 0].astype(np.float64)
    np.testing.assert_array_equal(floats, np.arange(256) + BYTES_IN_FLOATS["uint8"])
    assert BYTES_IN_FLOATS["int8"] == BYTES_IN_FLOATS["uint8"] + 128


def test_a_relu_that_no_byte_stands_for_is_kept(graph: Any, agree_int8: Any) -> None:
    x = through_bytes(graph, graph.input([1, 16, 8, 8]))
    y = graph.add("Relu", graph.add("Conv", x, byte_weight(graph, 24, 16, 1, 1)))
    agree_int8(graph.model(through_bytes(graph, y, 1 / 100, 100)), "arm64-a76", 1.01 / 100)


@pytest.mark.parametrize("target", TARGETS)
def test_sums_too_long_for_the_bits_of_a_float(target: str, graph: Any, agree_int8: Any) -> None:
    inputs = 1200
    x = through_bytes(graph, graph.input([1, inputs, 3, 3]), 1 / 255, 0)
    weight = np.full((8, inputs, 1, 1), 127, np.int8)
    steps = graph.constant(np.full(8, 1e-3, np.float32)), graph.constant(np.zeros(8, np.int8))
    y = graph.add("DequantizeLinear", graph.constant(weight), *steps, axis=0)
    agree_int8(graph.model(graph.add("Conv", x, y)), target)


@pytest.mark.parametrize("target", TARGETS)
def test_a_bias_that_dwarfs_its_weights(target: str, graph: Any, agree_int8: Any) -> None:
    x = through_bytes(graph, graph.input([1, 8, 4, 4]))
    bias = graph.constant(np.array([1e6, 1, -1e6, 0], np.float32))
    weight = np.zeros((4, 8, 1, 1), np.float32)
    weight[:, 0, 0, 0] = 1e-9, 1, 1e-9, 0
    agree_int8(graph.model(graph.add("Conv", x, graph.constant(weight), bias)), target)


@pytest.mark.parametrize("target", TARGETS)
def test_matrix_products_of_bytes(target: str, graph: Any, agree_int8: Any) -> None:
    x = through_bytes(graph, graph.input([5, 24]))
    weight = graph.add("Transpose", byte_weight(graph, 18, 24), perm=[1, 0])
    agree_int8(graph.model(graph.add("MatMul", x, weight)), target)


def test_depthwise_convolutions_stay_float(graph: Any, agree_int8: Any) -> None:
    x = through_bytes(graph, graph.input([1, 16, 9, 9]))
    y = graph.add("Conv", x, byte_weight(graph, 16, 1, 3, 3), group=16, pads=[1, 1, 1, 1])
    agree_int8(graph.model(y), "arm64-a76", floats=1)


def test_quantised_images_are_enlarged_and_shuffled_as_others(graph: Any, agree_int8: Any) -> None:
    x = graph.add("Relu", graph.convolution(graph.input([1, 8, 6, 6]), (16, 8, 1, 1)))
    y = graph.resize(graph.shuffle(x, 2, (16, 6, 6)), (2, 2))
    y = graph.add("Conv", through_bytes(graph, y), byte_weight(graph, 12, 16, 1, 1))
    # The first convolution is rounded to float16 before it is rounded to bytes.
    rewrites = agree_int8(graph.model(y), "arm64-a76", 0.01).rewrites
    assert rewrites.operators()["fp16_operators"] == 1
    assert rewrites.applied["sink_upsampling"] == rewrites.applied["fold_shuffles"] == 1


def test_phases_of_a_quantised_image_are_joined_as_bytes(graph: Any, agree_int8: Any) -> None:
    x = graph.resize(graph.input([1, 8, 6, 6]), (2, 2))
    y = graph.convolution(x, (8, 1, 3, 3), group=8, pads=[1, 1, 1, 1])
    y = graph.add("Conv", through_bytes(graph, y), byte_weight(graph, 64, 8, 1, 1))
    y = graph.add("Conv", through_bytes(graph, y), byte_weight(graph, 64, 64, 1, 1))
    rewrites = agree_int8(graph.model(y), "arm64-a76", tolerance=0.02).rewrites
    assert rewrites.operators()["fp16_operators"] == 4
    assert rewrites.applied["phase_convolutions"] == 1


def test_the_a76_multiplies_by_lanes_of_bytes(graph: Any, agree_int8: Any) -> None:
    x = through_bytes(graph, graph.input([1, 64, 14, 14]))
    y = graph.add("Conv", x, byte_weight(graph, 64, 64, 1, 1))
    compiled = agree_int8(graph.model(y), "arm64-a76")
    name = next(name for name in names_of(compiled) if "pointwise" in name)
    code = code_of(compiled, name)
    inner = [line for line in code.splitlines() if "sdot" in line]
    assert len(inner) >= 32
    assert all(".4b[" in line for line in inner)


def test_sums_are_loaded_rather_than_copied(graph: Any, agree_int8: Any) -> None:
    """What they start from, what is added to their multiples, and bytes that are added."""
    x = through_bytes(graph, graph.input([1, 64, 14, 14]))
    y = through_bytes(graph, graph.add("Conv", x, byte_weight(graph, 64, 64, 1, 1)))
    y = graph.add("Add", graph.add("Conv", y, byte_weight(graph, 64, 64, 1, 1)), x)
    compiled = agree_int8(graph.model(through_bytes(graph, y)), "arm64-a76", 0.03)
    for name in names_of(compiled):
        if "pointwise" in name:
            code = code_of(compiled, name)
            assert len(re.findall(r"\bmov\s+v\d+\.16b", code)) <= 4
            assert not re.findall(r"\b(scvtf|ucvtf)\s+v", code)


@given(
    weight=st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=30),
    least=st.floats(0, 10),
)
def test_weights_are_within_half_a_step(weight: list[float], least: float) -> None:
    values = np.array(weight, np.float32)[:, None]
    rounded, steps = to_int8(values, least)
    assert np.abs(rounded).max() <= 127
    assert np.abs(rounded * steps - values).max() <= steps[0] * (0.5 + 1e-6)


def test_int8_needs_an_instruction_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    old = replace(targets.get("host"), dot_bytes="")
    with pytest.raises(InputError, match="this processor multiplies no bytes"):
        precision.for_target("int8", old)


def code_of(compiled: Compiled, name: str) -> str:
    """A kernel's assembly text for the A76."""
    function = compiled.scheduled[name].with_attr("global_symbol", name)
    machine = tvm.target.Target(targets.get("arm64-a76").tvm)
    built = tvm.tirx.build(function, machine, pipeline=build.tir_pipeline())
    return str(built.inspect_source("asm"))


def names_of(compiled: Compiled) -> list[str]:
    return [var.name_hint for var in compiled.scheduled.functions]


def test_a_float_model_has_nothing_to_reduce(tmp_path: Path, graph: Any, agree_int8: Any) -> None:
    y = graph.convolution(graph.input([1, 8, 6, 6]), (16, 8, 1, 1))
    compiled = agree_int8(graph.model(y), "arm64-a76", floats=1)
    assert compiled.rewrites.operators()["int8_operators"] == 0


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("by_channel", [False, True])
def test_a_quantised_convolution_is_onnx_runtimes_bit_for_bit(
    target: str, by_channel: bool, graph: Any, agree_int8: Any
) -> None:
    """An odd zero point, weights of one scale whose largest of a channel is seldom 127, a bias."""
    random = np.random.default_rng(0)
    weight = random.integers(-127, 128, (24, 32, 3, 3)).astype(np.int8)
    scale = random.uniform(0.5, 2, 24 if by_channel else 1) / 127 / np.sqrt(weight[0].size)
    scale = np.float32(scale if by_channel else scale[0])
    image = graph.constant(np.float32(SCALE)), graph.constant(np.uint8(21))
    result = graph.constant(np.float32(0.031)), graph.constant(np.uint8(117))
    zero = graph.constant(np.zeros(scale.shape, np.int8))
    x = graph.add("QuantizeLinear", graph.input([1, 32, 24, 24]), *image)
    matrix = graph.constant(weight), graph.constant(scale), zero
    bias = graph.constant(random.integers(-20000, 20000, 24).astype(np.int32))
    y = graph.add("QLinearConv", x, *image, *matrix, *result, bias, pads=[1, 1, 1, 1])
    agree_int8(graph.model(graph.add("DequantizeLinear", y, *result)), target, tolerance=1e-7)


@pytest.mark.parametrize("zero", [116, 117])
def test_halves_are_rounded_to_even_before_the_zero_point_is_added(
    zero: int, graph: Any, agree: Any
) -> None:
    pair = graph.constant(np.float32(2**-7)), graph.constant(np.uint8(zero))
    halves = graph.add(
        "Div",
        graph.add(
            "Round", graph.add("Mul", graph.input([1, 3, 16, 16]), graph.constant(np.float32(256)))
        ),
        graph.constant(np.float32(256)),
    )
    y = graph.add("DequantizeLinear", graph.add("QuantizeLinear", halves, *pair), *pair)
    agree(graph.model(y), tolerance=1e-7)


@few
@given(st.integers(2**13, 2**20), st.sampled_from([np.uint8, np.int8]))
@example(2**18, np.uint8)
def test_bytes_of_a_float_are_onnx_runtimes(
    new_graph: Any, tmp_path_factory: pytest.TempPathFactory, steps: int, dtype: type
) -> None:
    """To the last, also where a number lies next to the middle between two steps."""
    graph, scale = new_graph(), steps / 2**23
    middles = ((np.arange(-128, 128) + 0.5) * scale).astype(np.float32)
    sides = [np.nextafter(middles, np.float32(end)) for end in (-np.inf, np.inf)]
    values = np.stack([middles, *sides])
    pair = graph.constant(np.float32(scale)), graph.constant(np.array(3, dtype))
    model = graph.model(graph.add("QuantizeLinear", graph.input(values.shape), *pair))
    path = tmp_path_factory.mktemp("bytes") / "model.onnx"
    onnx.save(model, str(path))
    source = load_model(path)
    compiled = generate(source, targets.get("host"))
    run = by_name(Machine(compiled.executable), source.inputs, source.outputs)
    (name,) = source.outputs
    np.testing.assert_array_equal(
        run({"x": values})[name], run_on_onnxruntime(model, {"x": values})[name]
    )
