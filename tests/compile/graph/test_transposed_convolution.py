"""Transposed convolutions as convolutions of the smaller image, against ONNX Runtime."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compile import targets
from tests.compile.conftest import Agree, Graph

few = settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
pairs = st.tuples(st.integers(1, 4), st.integers(1, 4))


@few
@given(
    strides=pairs,
    kernel=pairs,
    pads=st.tuples(*[st.integers(0, 2)] * 4),
    dilation=st.integers(1, 2),
    groups=st.sampled_from((1, 2, 6)),
    wide=st.integers(1, 5),
    batch=st.integers(1, 2),
    target=st.sampled_from(targets.NAMES),
)
def test_random_geometry(
    agree: Agree,
    new_graph: type[Graph],
    strides: tuple[int, int],
    kernel: tuple[int, int],
    pads: tuple[int, ...],
    dilation: int,
    groups: int,
    wide: int,
    batch: int,
    target: str,
) -> None:
    graph = new_graph()
    weight = graph.weight(6, wide, *kernel)
    y = graph.add(
        "ConvTranspose",
        graph.input([batch, 6, 5, 7]),
        *(weight, graph.weight(groups * wide)),
        strides=strides,
        pads=[min(pad, size - 1) for pad, size in zip(pads, kernel * 2, strict=True)],
        dilations=[dilation, dilation],
        group=groups,
    )
    account = agree(graph.model(y), target).account.to_dict()
    assert account["fallbacks"] == []


@pytest.mark.parametrize(("kernel", "pads"), [(2, 0), (4, 1)])
def test_nothing_is_computed_twice(agree: Agree, graph: Graph, kernel: int, pads: int) -> None:
    """Where the stride divides the kernel, every multiply-add is one of the original's."""
    weight = graph.weight(8, 4, kernel, kernel)
    x = graph.input([1, 8, 6, 6])
    y = graph.add("ConvTranspose", x, weight, strides=[2, 2], pads=[pads] * 4)
    assert agree(graph.model(y)).account.macs == 6 * 6 * 8 * 4 * kernel**2
