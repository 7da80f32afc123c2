"""fp16: what is computed in it, and how far its kernels are from ONNX Runtime's fp32."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from onnx import numpy_helper

from compile import precision, targets
from compile.compiled import Compiled
from compile.graph.half_precision import half_precision
from compile.graph.remove_identities import fold_constants
from compile.lowering import build
from compile.onnx.checked_model import load_model
from compile.onnx.importer import import_model
from compile.pipeline import compile_model, generate
from compile.precision import FP16
from compile.runtime.executable import HostModel, Machine, by_name
from depthbench.errors import InputError
from tests.compile.conftest import Agree, Graph

# The relative rounding of float16; a result is compared with the largest of its tensor.
ROUNDING = 2.0**-11
Half = Callable[[onnx.ModelProto, str, int], Compiled]
TARGETS = st.sampled_from(targets.NAMES)
few = settings(
    max_examples=4, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


def tolerance(terms: int) -> float:
    """The roundings of a sum of so many terms in stretches, and of all that is stored.

    A running sum of S terms of random sign is off by sqrt(S/2) roundings; no stretch is longer
    than 192 terms. The largest of a tensor's errors is some four times their typical size.
    """
    return 4 * ROUNDING * (2 + np.sqrt(min(terms, 192) / 2))


@pytest.fixture(scope="module")
def half(agree: Agree) -> Half:
    """`half(model, target, terms)` fails unless all is scheduled and right but for roundings."""

    def compare(model: onnx.ModelProto, target: str, terms: int) -> Compiled:
        compiled = agree(model, target, tolerance=tolerance(terms), numbers=FP16)
        assert compiled.account.to_dict()["fallbacks"] == []
        return compiled

    return compare


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("half")


def convolution(graph: Any, shape: tuple[int, ...], outputs: int, **attributes: Any) -> Any:
    kernel, groups = attributes["kernel_shape"], attributes.get("group", 1)
    weight = graph.weight(outputs, shape[1] // groups, *kernel)
    y = graph.add("Conv", graph.input(shape), weight, graph.weight(outputs), **attributes)
    return graph.model(graph.add("Relu", y))


@few
@given(st.integers(1, 330), st.integers(1, 40), st.integers(3, 9), st.integers(1, 2), TARGETS)
@example(608, 32, 7, 1, "arm64-a76")
@example(608, 48, 5, 1, "host")
def test_pointwise(
    half: Half,
    new_graph: type[Graph],
    inputs: int,
    outputs: int,
    size: int,
    stride: int,
    target: str,
) -> None:
    attributes = {"kernel_shape": [1, 1], "strides": [stride] * 2}
    model = convolution(new_graph(), (1, inputs, size, size), outputs, **attributes)
    half(model, target, inputs)


@few
@given(st.sampled_from((1, 3, 20, 48)), st.integers(4, 33), st.sampled_from((3, 5)), TARGETS)
@example(64, 32, 3, "arm64-a76")
@example(64, 64, 3, "host")
def test_dense(
    half: Half, new_graph: type[Graph], inputs: int, outputs: int, kernel: int, target: str
) -> None:
    attributes = {"kernel_shape": [kernel] * 2, "pads": [kernel // 2] * 4}
    model = convolution(new_graph(), (1, inputs, 9, 11), outputs, **attributes)
    half(model, target, 192 + inputs)


@few
@given(st.integers(2, 4), st.sampled_from((8, 12, 16)), st.integers(1, 2), TARGETS)
def test_grouped(
    half: Half, new_graph: type[Graph], groups: int, wide: int, stride: int, target: str
) -> None:
    attributes = {"kernel_shape": [3, 3], "pads": [1] * 4, "strides": [stride] * 2}
    channels = groups * wide
    model = convolution(new_graph(), (1, channels, 9, 8), channels, group=groups, **attributes)
    half(model, target, 9 * wide)


@few
@given(st.integers(2, 40), st.sampled_from((3, 5)), st.integers(1, 2), TARGETS)
def test_depthwise(
    half: Half, new_graph: type[Graph], channels: int, kernel: int, stride: int, target: str
) -> None:
    attributes = {"kernel_shape": [kernel] * 2, "pads": [kernel // 2] * 4, "strides": [stride] * 2}
    model = convolution(new_graph(), (1, channels, 9, 8), channels, group=channels, **attributes)
    half(model, target, kernel * kernel)


@few
@given(st.integers(1, 20), st.integers(1, 200), st.integers(1, 30), st.booleans(), TARGETS)
def test_matmul(
    half: Half,
    new_graph: type[Graph],
    rows: int,
    inner: int,
    columns: int,
    constant: bool,
    target: str,
) -> None:
    graph = new_graph()
    other = graph.weight(inner, columns) if constant else graph.input([2, inner, columns], "y")
    model = graph.model(graph.add("MatMul", graph.input([2, rows, inner]), other))
    if rows * columns > 1:
        half(model, target, inner)


@pytest.mark.parametrize("target", targets.NAMES)
def test_gates_and_norms_are_computed_in_float32(half: Half, graph: Graph, target: str) -> None:
    """A sum of 4000 values near 300 would be lost in float16, which is finite up to 65504."""
    x = graph.add("Mul", graph.input([1, 16, 64, 63]), graph.constant(np.float32(300)))
    x = graph.add("Conv", x, graph.constant(np.eye(16, dtype=np.float32)[:, :, None, None]))
    gate = graph.add("Sigmoid", graph.add("GlobalAveragePool", x))
    y = graph.add("Mul", x, gate)
    compiled = half(graph.model(y), target, 1)
    wide = compiled.rewrites.operators()["fp32_operators"]
    assert "sigmoid" in wide
    assert "mean" not in wide


@few
@given(
    st.integers(1, 40), st.integers(1, 140), st.integers(1, 20), st.sampled_from((1, 3e4)), TARGETS
)
@example(30, 129, 16, 3e4, "arm64-a76")
@example(28, 28, 112, 3e4, "arm64-a76")
def test_mean_of_pixels(
    half: Half,
    new_graph: type[Graph],
    height: int,
    width: int,
    channels: int,
    size: float,
    target: str,
) -> None:
    """Its sum would be infinite in float16."""
    graph = new_graph()
    identity = np.eye(channels, dtype=np.float32)[:, :, None, None] * np.float32(size)
    x = graph.add("Conv", graph.input([1, channels, height, width]), graph.constant(identity))
    half(graph.model(graph.add("GlobalAveragePool", graph.add("Abs", x))), target, 2)


@few
@given(st.integers(1, 40), st.integers(2, 12), st.integers(2, 33), TARGETS)
def test_one_channel_of_each_pixel(
    half: Half, new_graph: type[Graph], inputs: int, height: int, width: int, target: str
) -> None:
    """What follows it, as in a network's last layer, is computed for several pixels at once."""
    graph = new_graph()
    shape = (1, inputs, height, width)
    y = graph.convolution(graph.input(shape), [1, inputs, 1, 1])
    y = graph.add("Clip", y, graph.constant(np.float32(0.5)), graph.constant(np.float32(9.0)))
    half(graph.model(graph.add("Div", graph.constant(np.float32(2.0)), y)), target, inputs)


@few
@given(st.integers(1, 400), st.integers(1, 4), st.sampled_from((1, 3)), st.booleans(), TARGETS)
@example(400, 1, 1, False, "arm64-a76")
@example(30, 4, 3, False, "arm64-a76")
def test_few_outputs_add_up_in_float32(
    agree: Agree,
    new_graph: type[Graph],
    inputs: int,
    outputs: int,
    kernel: int,
    dense: bool,
    target: str,
) -> None:
    """Numbers of few digits, whose products and sums are exact in float32 alone."""
    graph, random = new_graph(), np.random.default_rng(inputs)
    shape = [5, inputs] if dense else [1, inputs, 6, 9]
    x = graph.add("Floor", graph.add("Mul", graph.input(shape), graph.constant(np.float32(8))))
    x = graph.add("Div", graph.add("Relu", x), graph.constant(np.float32(16)))
    size = [outputs, inputs, *([] if dense else [kernel] * 2)]
    weight = graph.constant((random.integers(-500, 500, size) / 8).astype(np.float32))
    if dense:
        y = graph.add("MatMul", x, graph.add("Transpose", weight))
    else:
        y = graph.add("Conv", x, weight, pads=[kernel // 2] * 4)
    agree(graph.model(y), target, tolerance=0.0, numbers=FP16)


def test_few_outputs_become_float16_beside_others(folder: Path, graph: Graph) -> None:
    """As where a network puts a first estimate beside its features."""
    x = graph.add("Relu", graph.convolution(graph.input([1, 8, 6, 6]), [16, 8, 3, 3]))
    y = graph.add("Relu", graph.convolution(x, [1, 16, 1, 1]))
    z = graph.convolution(graph.add("Concat", x, y, axis=1), [16, 17, 1, 1])
    onnx.save(graph.model(z, y), str(folder / "beside.onnx"))
    mod = fold_constants(import_model(load_model(folder / "beside.onnx")))
    _, done = half_precision(mod)
    assert done.lowered["nn.conv2d"] == 3
    assert done.lowered["concat"] == 1
    assert done.wide["nn.relu"] == 1


def running_sums(graph: Graph, terms: int, outputs: int, signed: bool) -> onnx.ModelProto:
    """Sums of numbers that float16 holds exactly."""
    random = np.random.default_rng(terms)
    x = graph.add("Mul", graph.input([1, terms, 4, 6]), graph.constant(np.float32(64)))
    x = graph.add("Div", graph.add("Floor", x), graph.constant(np.float32(32)))
    weight = random.integers(-60 if signed else 1, 60, (outputs, terms, 1, 1)) / 64
    return graph.model(graph.add("Conv", x, graph.constant(weight.astype(np.float32))))


@few
@given(st.integers(1, 700), st.sampled_from((8, 16, 20)), st.booleans(), TARGETS)
@example(700, 8, False, "arm64-a76")
@example(640, 16, True, "arm64-a76")
def test_no_sum_is_off_by_more_than_its_roundings(
    folder: Path, new_graph: type[Graph], terms: int, outputs: int, signed: bool, target: str
) -> None:
    """Beside float64, number by number: a rounding a step, each of at most the sum of all sizes.

    A stretch has at most 192 terms, and no less than 64 where there are several.
    """
    model = running_sums(new_graph(), terms, outputs, signed)
    onnx.save(model, str(folder / "sums.onnx"))
    source = load_model(folder / "sums.onnx")
    machine = dataclasses.replace(targets.get(target), may_grow=False)
    compiled = generate(source, machine, FP16)
    run = by_name(Machine(build.lower(compiled.scheduled, targets.get("host"))), source.inputs, "y")
    image = np.random.default_rng(0).random((1, terms, 4, 6), np.float32)
    (result,) = run({"x": image}).values()
    numbers = np.floor(image.astype(np.float64) * 64) / 32
    (weight,) = (numpy_helper.to_array(w) for w in model.graph.initializer if len(w.dims) == 4)
    exact, sizes = (
        np.einsum("nchw,oc->nohw", numbers, one[:, :, 0, 0].astype(np.float64))
        for one in (weight, np.abs(weight))
    )
    steps = min(terms, 192) + -(-terms // 64)
    assert (np.abs(result - exact) <= steps * ROUNDING * sizes).all()
    if terms <= 192:  # far from the bound, as errors of random sign are
        assert np.abs(result - exact).max() <= tolerance(terms) * sizes.max()


def disparity(graph: Graph) -> onnx.ModelProto:
    """A window, a long sum and its inverse, which is largest where numbers cancel."""
    x = graph.add("Mul", graph.input([1, 96, 12, 12]), graph.constant(np.float32(64)))
    x = graph.add("Div", graph.add("Floor", x), graph.constant(np.float32(32)))
    x = graph.convolution(x, [96, 1, 3, 3], pads=[1] * 4, group=96)
    x = graph.convolution(graph.add("HardSwish", x), [32, 96, 1, 1])
    weight = np.random.default_rng(0).random((1, 32, 1, 1)).astype(np.float32)
    y = graph.add("Abs", graph.add("Conv", x, graph.constant(weight)))
    return graph.model(
        graph.add("Reciprocal", graph.add("Max", y, graph.constant(np.float32(0.02))))
    )


def test_an_end_that_loses_too_much_is_float32(folder: Path, graph: Graph) -> None:
    """What its sums lose of small numbers is a large part of their inverse."""
    onnx.save(disparity(graph), str(folder / "end.onnx"))
    made = compile_model(folder / "end.onnx", "arm64-a76", folder / "end", precision="fp16")
    assert "float32 from the last window on" in made.manifest["arithmetic"]["products"]
    assert max(made.manifest["check"]["relative_difference"].values()) < FP16.tolerance / 10


@pytest.mark.parametrize(
    ("operator", "attributes"), [("Softmax", {"axis": -1}), ("Exp", {}), ("Sigmoid", {})]
)
def test_delicate_operators(
    half: Half, graph: Graph, operator: str, attributes: dict[str, Any]
) -> None:
    y = graph.add("MatMul", graph.input([1, 9, 24]), graph.weight(24, 32))
    half(graph.model(graph.add(operator, y, **attributes)), "host", 24)


@pytest.mark.parametrize("kind", ["nearest", "bilinear"])
def test_resize_and_skip(half: Half, graph: Graph, kind: str) -> None:
    x = graph.input([1, 8, 6, 5])
    y = graph.resize(graph.convolution(x, [16, 8, 1, 1]), [2, 2], kind)
    skip = graph.convolution(graph.input([1, 8, 12, 10], "skip"), [16, 8, 3, 3], pads=[1] * 4)
    half(graph.model(graph.add("Concat", y, skip, axis=1)), "host", 72)


def test_what_cannot_hold_a_large_part_stays_wide(half: Half, graph: Graph) -> None:
    x = graph.input([1, 8, 6, 6])
    large = graph.add("Mul", x, graph.constant(np.float32(1e6)))
    y = graph.convolution(x, [8, 8, 1, 1])
    half(graph.model(graph.add("Concat", large, y, axis=1)), "host", 8)


def test_hints_know_the_size_of_a_half(half: Half, graph: Graph) -> None:
    """Squeeze-and-excite: a convolution prefetches the weights of the products behind it."""
    y = graph.convolution(graph.input([1, 16, 28, 28]), [96, 16, 3, 3], pads=[1] * 4)
    y = graph.add("Relu", y)
    gate = graph.convolution(graph.add("GlobalAveragePool", y), [96, 96, 1, 1])
    gate = graph.convolution(graph.add("Relu", gate), [96, 96, 1, 1])
    y = graph.add("Mul", y, graph.add("Sigmoid", gate))
    compiled = half(graph.model(y), "host", 16 * 9)
    names = [variable.name_hint for variable in compiled.scheduled.functions]
    assert any(name.endswith("_prefetching") for name in names)


def test_branches_are_refused_in_one_line(folder: Path, graph: Graph) -> None:
    """Those whose results differ in shape: the others are computed, and one is selected."""
    x = graph.input([1, 4, 4, 4])
    result = onnx.helper.make_empty_tensor_value_info("r")
    image, mean = (
        onnx.helper.make_graph([onnx.helper.make_node(operator, [x], ["r"])], "b", [], [result])
        for operator in ("Relu", "GlobalAveragePool")
    )
    positive = graph.add("Greater", graph.add("ReduceSum", x, keepdims=0), graph.constant(0.0))
    chosen = graph.add("If", positive, then_branch=image, else_branch=mean)
    onnx.save(graph.model(graph.add("ReduceMax", chosen)), str(folder / "model.onnx"))
    with pytest.raises(InputError, match="without fp16"):
        generate(load_model(folder / "model.onnx"), targets.get("host"), FP16)


def test_weights_are_stored_in_half_the_bytes(folder: Path, graph: Graph) -> None:
    y = graph.add("MatMul", graph.input([1, 3, 200]), graph.weight(200, 300))
    onnx.save(graph.model(y), str(folder / "wide.onnx"))
    sizes = {
        name: compile_model(folder / "wide.onnx", "arm64-a76", folder / name, precision=name)
        .library.stat()
        .st_size
        for name in precision.NAMES
    }
    assert sizes["fp32"] - sizes["fp16"] > 0.9 * 200 * 300 * 2


def test_what_float16_cannot_hold_stays_float32(folder: Path, graph: Graph) -> None:
    large = graph.constant(np.full((8, 4, 1, 1), 1e5, np.float32))
    y = graph.add("Conv", graph.input([1, 4, 5, 5]), large)
    onnx.save(graph.model(graph.add("Relu", y)), str(folder / "large.onnx"))
    mod = fold_constants(import_model(load_model(folder / "large.onnx")))
    _, done = half_precision(mod)
    assert not done.lowered
    assert done.wide == {"nn.conv2d": 1, "nn.relu": 1}


def test_manifest_and_ports(folder: Path, graph: Graph) -> None:
    y = graph.convolution(graph.input([1, 4, 6, 6], "image"), [8, 4, 3, 3])
    onnx.save(graph.model(y), str(folder / "ports.onnx"))
    if not targets.get("host").has_half:
        pytest.skip("this processor has no fp16 arithmetic; the refusal has a test of its own")
    made = compile_model(folder / "ports.onnx", "host", folder / "ports", precision="fp16")
    assert made.manifest["precision"] == "fp16"
    assert made.manifest["check"]["tolerance"] == FP16.tolerance
    assert [port["dtype"] for port in made.manifest["inputs"]] == ["float32"]
    image = np.random.default_rng(0).random((1, 4, 6, 6), np.float32)
    (result,) = HostModel(made).run({"image": image}).values()
    assert result.dtype == np.float32
    assert compile_model(folder / "ports.onnx", "host", folder / "ports", precision="fp16").reused
    other = compile_model(folder / "ports.onnx", "host", folder / "ports", precision="fp32")
    assert not other.reused


def test_a_processor_without_fp16_is_refused_in_one_line() -> None:
    host = dataclasses.replace(targets.get("host"), has_half=False)
    with pytest.raises(InputError, match=r"no fp16 arithmetic.*--precision fp32") as caught:
        precision.for_target("fp16", host)
    assert "\n" not in str(caught.value)
    assert precision.for_target("fp32", host) is precision.FP32


def test_unknown_precision_is_one_line_with_the_nearest() -> None:
    with pytest.raises(InputError, match="'fp61'; did you mean 'fp16'"):
        precision.get("fp61")
