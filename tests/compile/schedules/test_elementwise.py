"""Images put together from others in turn, and activations that follow each other."""

from __future__ import annotations

import numpy as np
import pytest
import tvm
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tvm import tirx

from compile import targets
from tests.compile.conftest import Agree, Graph

few = settings(
    max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


@few
@given(
    st.sampled_from((4, 8, 12, 5)),
    st.sampled_from((4, 8, 3)),
    st.integers(1, 6),
    st.integers(1, 6),
    st.sampled_from((2, 3)),
    st.sampled_from(targets.NAMES),
)
def test_interleaved_images(
    agree: Agree,
    new_graph: type[Graph],
    channels: int,
    beside: int,
    height: int,
    width: int,
    turn: int,
    target: str,
) -> None:
    """Each of several images has every second or third pixel of a larger one."""
    graph = new_graph()
    parts = [graph.input([1, channels, height, width], f"x{i}") for i in range(turn**2)]
    other = graph.input([1, beside, height * turn, width * turn], "other")
    y = graph.add("Concat", *parts, axis=1)
    shape = [1, turn, turn, channels, height, width]
    y = graph.add("Reshape", y, graph.constant(np.array(shape)))
    y = graph.add("Transpose", y, perm=[0, 3, 4, 1, 5, 2])
    shape = [1, channels, height * turn, width * turn]
    y = graph.add("Reshape", y, graph.constant(np.array(shape)))
    y = graph.add("Concat", y, other, axis=1)
    y = graph.convolution(y, [4, channels + beside, 1, 1])
    agree(graph.model(y), target)


@few
@given(
    st.sampled_from((4, 8, 12, 5)),
    st.integers(1, 5),
    st.integers(1, 5),
    st.sampled_from((1, 2, 3)),
    st.sampled_from((1, 2, 3, 4)),
    st.sampled_from(targets.NAMES),
)
def test_what_is_added_to_interleaved_images(
    agree: Agree,
    new_graph: type[Graph],
    channels: int,
    height: int,
    width: int,
    pixels: int,
    groups: int,
    target: str,
) -> None:
    """Images take their pixels, and then their channels, from others in turn, before a sum."""
    graph = new_graph()
    size = [height * pixels, width * pixels]
    whole = []
    for group in range(groups):
        parts = [
            graph.input([1, channels, height, width], f"x{group}_{i}") for i in range(pixels**2)
        ]
        y = graph.add("Concat", *parts, axis=1)
        shape = [1, pixels, pixels, channels, height, width]
        y = graph.add("Reshape", y, graph.constant(np.array(shape)))
        y = graph.add("Transpose", y, perm=[0, 3, 4, 1, 5, 2])
        whole.append(graph.add("Reshape", y, graph.constant(np.array([1, channels, *size]))))
    y = graph.add("Concat", *whole, axis=1)
    y = graph.add("Reshape", y, graph.constant(np.array([1, groups, channels, *size])))
    y = graph.add("Transpose", y, perm=[0, 2, 1, 3, 4])
    y = graph.add("Reshape", y, graph.constant(np.array([1, groups * channels, *size])))
    y = graph.add("Relu", graph.add("Add", y, graph.input([1, groups * channels, *size], "other")))
    agree(graph.model(graph.convolution(y, [4, groups * channels, 1, 1])), target)


@pytest.mark.parametrize("threads", [1, 2])
def test_large_interleaved_image(agree: Agree, graph: Graph, threads: int) -> None:
    parts = [graph.convolution(graph.input([1, 4, 40, 40], f"x{i}"), [64, 4, 1, 1]) for i in (0, 1)]
    y = graph.add("Concat", *parts, *parts, axis=1)
    y = graph.add("Reshape", y, graph.constant(np.array([1, 2, 2, 64, 40, 40])))
    y = graph.add("Transpose", y, perm=[0, 3, 4, 1, 5, 2])
    y = graph.add("Reshape", y, graph.constant(np.array([1, 64, 80, 80])))
    agree(graph.model(graph.convolution(y, [8, 64, 1, 1])), threads=threads)


@pytest.mark.parametrize("activation", ["Mish", "HardSwish"])
@pytest.mark.parametrize("after", ["nothing", "a convolution"])
def test_activations_in_a_row_grow_linearly(
    agree: Agree, new_graph: type[Graph], activation: str, after: str
) -> None:
    def size(count: int) -> int:
        graph = new_graph()
        y = graph.input([1, 3, 8, 12])
        if after == "a convolution":
            y = graph.convolution(y, [4, 3, 3, 3])
        for _ in range(count):
            y = graph.add(activation, y)
        return _size(agree(graph.model(y)).scheduled)

    one, *more = (size(count) for count in (1, 3, 9))
    assert more[0] <= 4 * one
    assert more[1] <= 30 * one


def _size(mod: tvm.IRModule) -> int:
    """The length of all loop nests, written out."""
    loops = [one for one in mod.functions.values() if isinstance(one, tirx.PrimFunc)]
    return sum(len(str(one.body)) for one in loops)
