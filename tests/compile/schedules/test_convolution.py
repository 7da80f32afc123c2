"""Convolutions of any geometry agree with ONNX Runtime, with the schedules of every target."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from compile import targets
from compile.operators.convolution import merge_groups
from tests.compile.conftest import Agree, Graph

TARGETS = st.sampled_from(targets.NAMES)
# Some 0.1 s an example: compiled, run and compared each time.
few = settings(
    max_examples=9, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


@st.composite
def geometries(
    draw: st.DrawFn, kernels: tuple[int, ...], strides: tuple[int, ...]
) -> dict[str, Any]:
    """Size, kernel, stride, dilation and asymmetric padding that leave at least one output."""
    kernel = [draw(st.sampled_from(kernels)) for _ in range(2)]
    dilation = [draw(st.sampled_from((1, 1, 2))) for _ in range(2)]
    pads = [draw(st.integers(0, size // 2 + 1)) for size in kernel * 2]
    covered = [(size - 1) * step + 1 for size, step in zip(kernel, dilation, strict=True)]
    return {
        "size": [draw(st.integers(cover, 19)) for cover in covered],
        "batch": draw(st.sampled_from((1, 1, 2))),
        "attributes": {
            "kernel_shape": kernel,
            "dilations": dilation,
            "pads": pads,
            "strides": [draw(st.sampled_from(strides)) for _ in range(2)],
        },
    }


def convolve(
    new_graph: Any, geometry: dict[str, Any], inputs: int, outputs: int, groups: int
) -> Any:
    graph = new_graph()
    x = graph.input([geometry["batch"], inputs, *geometry["size"]])
    kernel = geometry["attributes"]["kernel_shape"]
    weights = graph.weight(outputs, inputs // groups, *kernel), graph.weight(outputs)
    y = graph.add("Conv", x, *weights, group=groups, **geometry["attributes"])
    return graph.model(graph.add("Relu", y))


@few
@given(geometries((1,), (1, 2)), st.integers(1, 40), st.integers(1, 70), TARGETS)
def test_pointwise(
    agree: Agree,
    new_graph: type[Graph],
    geometry: dict[str, Any],
    inputs: int,
    outputs: int,
    target: str,
) -> None:
    compiled = agree(convolve(new_graph, geometry, inputs, outputs, 1), target)
    assert compiled.account.to_dict()["scheduled_share"] == 1


@pytest.mark.parametrize("kernel", [1, 3])
def test_last_tile_reaches_beyond_the_channels(agree: Agree, graph: Graph, kernel: int) -> None:
    x = graph.input([1, 40, 14, 14])
    weights = graph.weight(296, 40, kernel, kernel), graph.weight(296)
    y = graph.add("Conv", x, *weights, pads=[kernel // 2] * 4)
    compiled = agree(graph.model(graph.add("HardSwish", y)), "host")
    assert compiled.account.to_dict()["fallbacks"] == []


@few
@given(geometries((2, 3, 5), (1, 2, 3)), st.integers(1, 12), st.integers(1, 40), TARGETS)
def test_dense(
    agree: Agree,
    new_graph: type[Graph],
    geometry: dict[str, Any],
    inputs: int,
    outputs: int,
    target: str,
) -> None:
    compiled = agree(convolve(new_graph, geometry, inputs, outputs, 1), target)
    assert compiled.account.to_dict()["fallbacks"] == []


@few
@given(
    geometries((1, 3), (1, 2)), st.integers(2, 6), st.integers(1, 9), st.integers(1, 18), TARGETS
)
@example(
    {
        "size": [9, 8],
        "batch": 1,
        "attributes": {"kernel_shape": [3, 3], "pads": [1] * 4, "strides": [1, 1]},
    },
    3,
    16,
    16,
    "arm64-a76",
)
def test_grouped(
    agree: Agree,
    new_graph: type[Graph],
    geometry: dict[str, Any],
    groups: int,
    inputs: int,
    outputs: int,
    target: str,
) -> None:
    model = convolve(new_graph, geometry, groups * inputs, groups * outputs, groups)
    assert agree(model, target).account.to_dict()["fallbacks"] == []


@few
@given(
    geometries((3, 5), (1, 2)),
    st.integers(2, 4),
    st.sampled_from((4, 8, 16)),
    st.sampled_from((4, 12, 16)),
)
@example(
    {
        "size": [14, 15],
        "batch": 2,
        "attributes": {"kernel_shape": [3, 3], "pads": [1, 0, 2, 3], "strides": [2, 2]},
    },
    2,
    16,
    16,
)
def test_groups_are_read_without_a_copy(
    agree: Agree,
    new_graph: type[Graph],
    geometry: dict[str, Any],
    groups: int,
    inputs: int,
    outputs: int,
) -> None:
    model = convolve(new_graph, geometry, groups * inputs, groups * outputs, groups)
    compiled = agree(model, "arm64-a76")
    assert compiled.account.to_dict()["fallbacks"] == []
    assert '"border"' not in compiled.scheduled.script()


@few
@given(geometries((2, 3, 5, 7), (1, 2)), st.integers(2, 40), TARGETS)
def test_depthwise(
    agree: Agree, new_graph: type[Graph], geometry: dict[str, Any], channels: int, target: str
) -> None:
    compiled = agree(convolve(new_graph, geometry, channels, channels, channels), target)
    assert compiled.account.families == {"depthwise": 1} | (
        {"elementwise": compiled.account.families["elementwise"]}
    )


@given(st.integers(1, 12), st.integers(1, 6), st.integers(1, 6))
def test_merged_groups_compute_the_same(groups: int, inputs: int, outputs: int) -> None:
    """One pixel through a 1x1 grouped convolution is a product with a block-diagonal matrix."""
    random = np.random.default_rng(groups * 100 + inputs * 10 + outputs)
    weight = random.standard_normal((1, 1, inputs, groups * outputs))
    pixel = random.standard_normal(groups * inputs)

    def apply(weight: np.ndarray, groups: int) -> np.ndarray:
        parts = np.split(pixel, groups)
        kernels = np.split(weight[0, 0], groups, axis=1)
        return np.concatenate([part @ kernel for part, kernel in zip(parts, kernels, strict=True)])

    merged, fewer = merge_groups(weight, groups)

    assert fewer == 1 or groups * outputs // fewer % 4 == 0
    np.testing.assert_allclose(apply(merged, fewer), apply(weight, groups))


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("target", targets.NAMES)
def test_weights_that_are_computed_fall_back_and_are_named(
    agree: Agree, graph: Graph, target: str, channels: int
) -> None:
    x, weight = graph.input([1, channels, 9, 9]), graph.input([6, channels, 3, 3], "w")
    model = graph.model(graph.add("Conv", x, graph.add("Relu", weight), pads=[1] * 4))
    account = agree(model, target).account.to_dict()
    assert [entry["macs"] for entry in account["fallbacks"]] == [9 * 9 * 6 * channels * 9]
    assert account["scheduled_share"] == 0
