"""Float convolutions that become bytes are computed in float16 where that is faster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compile import targets
from compile.compiled import Compiled
from compile.lowering import build
from compile.onnx.checked_model import load_model
from compile.pipeline import generate
from compile.precision import INT8
from compile.runtime.executable import Machine, by_name
from tests.compile.conftest import run_on_onnxruntime

few = settings(
    max_examples=6, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


def made(model: onnx.ModelProto, folder: Path, target: str) -> tuple[Compiled, Any]:
    """The compiled model, and its output beside ONNX Runtime's, both on the same image."""
    onnx.save(model, str(folder / "model.onnx"))
    source = load_model(folder / "model.onnx")
    compiled = generate(source, targets.get(target), INT8)
    twin = build.lower(compiled.scheduled, targets.get("host"))
    run = by_name(Machine(twin), source.inputs, [port.name for port in compiled.outputs])
    shape = [int(edge.dim_value) for edge in model.graph.input[0].type.tensor_type.shape.dim]
    image = {"x": np.random.default_rng(0).uniform(-2, 2, shape).astype(np.float32)}
    (found,), (wanted,) = run(image).values(), run_on_onnxruntime(model, image).values()
    return compiled, (found, wanted)


def quantised(graph: Any, y: str, scale: float, zero: int, dtype: type) -> str:
    """`y` as bytes, dequantised again."""
    pair = graph.constant(np.float32(scale)), graph.constant(np.array(zero, dtype))
    return graph.add("DequantizeLinear", graph.add("QuantizeLinear", y, *pair), *pair)


@given(
    planes=st.sampled_from((1, 3, 8, 16, 24)),
    size=st.integers(4, 17),
    stride=st.sampled_from((1, 2)),
    zero=st.integers(0, 255),
    signed=st.booleans(),
    relu=st.booleans(),
    depthwise=st.booleans(),
)
@few
def test_bytes_are_onnx_runtimes_to_a_step(
    planes: int,
    size: int,
    stride: int,
    zero: int,
    signed: bool,
    relu: bool,
    depthwise: bool,
    new_graph: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    if depthwise and planes == 1:
        planes = 8
    graph, scale, groups = new_graph(), 0.02, planes if depthwise else 1
    weight = (planes, 1, 3, 3) if depthwise else (24, min(planes, 7), 3, 3)
    x = graph.input([1, weight[1] * groups, size, size])
    y = graph.convolution(x, weight, pads=[1, 1, 1, 1], strides=[stride] * 2, group=groups)
    y = graph.add("Relu", y) if relu else y
    dtype = np.int8 if signed else np.uint8
    y = quantised(graph, y, scale, zero - 128 if signed else zero, dtype)
    compiled, (found, wanted) = made(graph.model(y), tmp_path_factory.mktemp("half"), "arm64-a76")
    steps = np.abs(found - wanted) / scale
    assert steps.max() <= 1.01
    assert (steps > 0.5).mean() < 0.1  # of a hundred numbers, some lie next to a middle
    counted = {"int8_operators": 0, "fp16_operators": 1, "fp32_operators": {}}
    assert compiled.rewrites.operators() == counted


@pytest.mark.parametrize(("weight", "steps"), [(1e5, 8), (1.0, 8), (1e4, 1e5), (1.0, 1000)])
def test_weights_that_float16_does_not_hold_stay_float(
    weight: float, steps: float, graph: Any, tmp_path: Path
) -> None:
    kernel, step = np.full((8, 3, 3, 3), weight, np.float32), weight / steps
    y = graph.add("Conv", graph.input([1, 3, 8, 8]), graph.constant(kernel))
    compiled, (found, wanted) = made(
        graph.model(quantised(graph, y, step, 100, np.uint8)), tmp_path, "arm64-a76"
    )
    halved = int(kernel[0].size * steps <= 2**14)
    wide = {} if halved else {"nn.conv2d": 1}
    counted = {"int8_operators": 0, "fp16_operators": halved, "fp32_operators": wide}
    assert compiled.rewrites.operators() == counted
    assert np.abs(found - wanted).max() <= 1.01 * step


@pytest.mark.parametrize("read_again", ["sums", "relu"])
def test_what_something_else_reads_too_is_computed_once(
    read_again: str, graph: Any, tmp_path: Path
) -> None:
    sums = graph.convolution(graph.input([1, 3, 8, 8]), (8, 3, 3, 3))
    relu = graph.add("Relu", sums)
    y = quantised(graph, relu, 0.02, 100, np.uint8)
    again = graph.add("Sqrt", graph.add("Abs", sums if read_again == "sums" else relu))
    compiled, _ = made(graph.model(graph.add("Add", y, again)), tmp_path, "arm64-a76")
    counted = {"int8_operators": 0, "fp16_operators": 0, "fp32_operators": {"nn.conv2d": 1}}
    assert compiled.rewrites.operators() == counted
