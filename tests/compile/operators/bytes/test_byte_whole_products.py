"""Dynamically quantised products run on bytes and are exact, in every precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compile import targets
from compile.check import check_against_onnxruntime
from compile.lowering import build
from compile.onnx.checked_model import load_model
from compile.pipeline import generate
from compile.precision import FP16, FP32, INT8, Precision
from compile.runtime.executable import Machine, by_name

TARGETS = [name for name in targets.NAMES if targets.get(name).dot_bytes]
few = settings(
    max_examples=6, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
# Types and zero points of weights; those around a zero point far from the middle need nine bits.
WEIGHTS = st.sampled_from([("int8", 0), ("uint8", 128), ("uint8", 30), ("int8", 17)])
Agree = Callable[..., None]


@pytest.fixture(scope="module")
def agree_on_bytes(tmp_path_factory: pytest.TempPathFactory) -> Agree:
    """`agree_on_bytes(model, target, products)` fails unless so many are on bytes, and right."""
    folder = tmp_path_factory.mktemp("whole")

    def compare(
        model: onnx.ModelProto,
        target: str,
        products: int,
        numbers: Precision = FP32,
        threads: int = 1,
        tolerance: float = 1e-6,
    ) -> None:
        onnx.save(model, str(folder / "model.onnx"))
        source = load_model(folder / "model.onnx")
        machine = targets.get(target, threads)
        compiled = generate(source, machine, numbers)
        executable = compiled.executable
        if not machine.runs_here:
            executable = build.lower(compiled.scheduled, targets.get("host"))
        run = by_name(Machine(executable), source.inputs, [port.name for port in compiled.outputs])
        found = check_against_onnxruntime(source, run, where="test", tolerance=1.0, signed=True)
        assert max(found["relative_difference"].values()) <= tolerance
        assert max(found["signed"]["relative_difference"].values()) <= tolerance
        assert compiled.rewrites.to_dict()["applied"]["whole_products"] == products

    return compare


def weight(graph: Any, form: tuple[str, int], *shape: int) -> tuple[str, str]:
    """Bytes from end to end of their type, and their zero point."""
    dtype, zero = form
    ends = np.iinfo(dtype)
    value = np.random.default_rng(0).integers(ends.min, ends.max + 1, shape).astype(dtype)
    return graph.constant(value), graph.constant(np.array(zero, dtype))


@given(
    inputs=st.integers(1, 12),
    outputs=st.integers(1, 40),
    rows=st.integers(1, 20),
    batch=st.sampled_from([1, 2]),
    form=WEIGHTS,
    target=st.sampled_from(TARGETS),
    threads=st.sampled_from([1, 2]),
)
@few
def test_matrix_products(
    inputs: int,
    outputs: int,
    rows: int,
    batch: int,
    form: tuple[str, int],
    target: str,
    threads: int,
    new_graph: Any,
    agree_on_bytes: Agree,
) -> None:
    graph = new_graph()
    x, scale, zero = graph.add(
        "DynamicQuantizeLinear", graph.input([batch, rows, 4 * inputs]), outputs=3
    )
    matrix, origin = weight(graph, form, 4 * inputs, outputs)
    y = graph.add("MatMulInteger", x, matrix, zero, origin)
    y = graph.add("Mul", graph.add("Cast", y, to=onnx.TensorProto.FLOAT), scale)
    y = graph.add("Add", y, graph.weight(outputs))
    agree_on_bytes(graph.model(y), target, products=1, threads=threads)


@given(
    size=st.integers(5, 12),
    inputs=st.integers(4, 12),
    outputs=st.integers(1, 20),
    groups=st.sampled_from([1, 1, 2]),
    edge=st.sampled_from([1, 3]),
    pads=st.lists(st.integers(0, 2), min_size=4, max_size=4),
    stride=st.integers(1, 2),
    form=WEIGHTS,
    target=st.sampled_from(TARGETS),
)
@few
def test_convolutions(
    size: int,
    inputs: int,
    outputs: int,
    groups: int,
    edge: int,
    pads: list[int],
    stride: int,
    form: tuple[str, int],
    target: str,
    new_graph: Any,
    agree_on_bytes: Agree,
) -> None:
    graph = new_graph()
    wide, outputs = 4 * inputs * groups if groups > 1 else inputs, 4 * outputs * groups
    image = graph.input([2, wide, size, size])
    x, scale, zero = graph.add("DynamicQuantizeLinear", image, outputs=3)
    matrix, origin = weight(graph, form, outputs, wide // groups, edge, edge)
    form_ = {"pads": pads, "strides": [stride] * 2, "group": groups}
    y = graph.add("ConvInteger", x, matrix, zero, origin, **form_)
    y = graph.add("Mul", graph.add("Cast", y, to=onnx.TensorProto.FLOAT), scale)
    around_the_middle = form in (("int8", 0), ("uint8", 128))
    products = int(groups == 1 or around_the_middle)
    agree_on_bytes(graph.model(y), target, products=products)


@pytest.mark.parametrize(
    ("target", "numbers"), [*((one, INT8) for one in TARGETS), ("arm64-a76", FP16)]
)
def test_every_precision_has_them(
    target: str, numbers: Precision, graph: Any, agree_on_bytes: Agree
) -> None:
    x, scale, zero = graph.add("DynamicQuantizeLinear", graph.input([1, 30, 512]), outputs=3)
    matrix, origin = weight(graph, ("int8", 0), 512, 16)
    y = graph.add("MatMulInteger", x, matrix, zero, origin)
    y = graph.add("Mul", graph.add("Cast", y, to=onnx.TensorProto.FLOAT), scale)
    tolerance = 1e-6 if numbers is INT8 else 1e-2
    agree_on_bytes(graph.model(y), target, products=1, numbers=numbers, tolerance=tolerance)


def test_integers_that_are_read_as_integers_stay(graph: Any, agree_on_bytes: Agree) -> None:
    x, _, zero = graph.add("DynamicQuantizeLinear", graph.input([1, 30, 64]), outputs=3)
    y = graph.add("MatMulInteger", x, *weight(graph, ("int8", 0), 64, 16)[:1], zero)
    agree_on_bytes(graph.model(y), "host", products=int("host" in TARGETS))
