"""Depthwise convolutions in one function with the pointwise ones that read them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compile import targets
from compile.schedules import depthwise_pointwise
from tests.compile.conftest import Agree, Graph

TARGETS = st.sampled_from(targets.NAMES)
few = settings(
    max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


def separable_block(
    graph: Any, shape: list[int], outputs: int, kernel: int, stride: int, *, residual: bool
) -> Any:
    """Depthwise, ReLU6, pointwise, and maybe an addition of what was read."""
    x = graph.input(shape)
    channels, pads = shape[1], [kernel // 2] * 4
    weight = [channels, 1, kernel, kernel]
    y = graph.convolution(x, weight, group=channels, pads=pads, strides=[stride] * 2)
    y = graph.add("Clip", y, *(graph.constant(np.float32(edge)) for edge in (0, 6)))
    y = graph.convolution(y, [outputs, channels, 1, 1])
    return graph.model(graph.add("Add", y, x) if residual else y)


@few
@given(
    st.sampled_from((8, 12, 14)),
    st.sampled_from((8, 10, 14, 16)),
    st.integers(4, 40),
    st.integers(4, 40),
    st.sampled_from((3, 5)),
    st.sampled_from((1, 2)),
    st.sampled_from((1, 2)),
    TARGETS,
)
def test_pairs(
    agree: Agree,
    new_graph: type[Graph],
    height: int,
    width: int,
    channels: int,
    outputs: int,
    kernel: int,
    stride: int,
    batch: int,
    target: str,
) -> None:
    model = separable_block(
        new_graph(), [batch, channels, height, width], outputs, kernel, stride, residual=False
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(depthwise_pointwise, "LEAST_SHARE", 0)
        patch.setattr(depthwise_pointwise, "BAND_SHARE", 0)
        account = agree(model, target).account
    assert account.to_dict()["fallbacks"] == []
    assert (
        account.families.get(depthwise_pointwise.DEPTHWISE_POINTWISE, 0)
        + account.families.get("depthwise", 0)
        == 1
    )


@pytest.mark.parametrize("target", targets.NAMES)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("residual", [False, True])
def test_large_images_are_never_stored(
    agree: Agree, graph: Graph, target: str, threads: int, residual: bool
) -> None:
    model = separable_block(graph, [1, 48, 64, 64], 48, 3, 1, residual=residual)
    compiled = agree(model, target, threads=threads)
    assert compiled.account.families[depthwise_pointwise.DEPTHWISE_POINTWISE] == 1
    assert compiled.account.fallbacks == []
    assert compiled.account.parallel_macs > 0 or threads == 1


def test_small_images_and_those_read_twice_stay_apart(agree: Agree, new_graph: type[Graph]) -> None:
    small = separable_block(new_graph(), [1, 48, 8, 8], 48, 3, 1, residual=False)
    assert depthwise_pointwise.DEPTHWISE_POINTWISE not in agree(small).account.families
    graph = new_graph()
    x = graph.input([1, 48, 64, 64])
    y = graph.convolution(x, [48, 1, 3, 3], group=48, pads=[1] * 4)
    twice = [graph.convolution(y, [16, 48, 1, 1]) for _ in range(2)]
    model = graph.model(graph.add("Relu", y), *twice)
    assert depthwise_pointwise.DEPTHWISE_POINTWISE not in agree(model).account.families
