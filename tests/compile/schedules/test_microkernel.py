"""Products in tiles: weights in chunks, prefetches, sums that start from the bias."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tvm import tirx

from compile import targets
from compile.compiled import Compiled
from compile.operators import chunks
from compile.operators.chunks import chunk_steps, most_tiles
from compile.operators.tiles import Tile

few = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
names = pytest.mark.parametrize("target", targets.NAMES)
size = st.tuples(st.integers(2, 15), st.integers(2, 15))


@pytest.fixture
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights in chunks of a few steps, as if the first cache were tiny."""
    monkeypatch.setattr(chunks, "L1_SHARE", 0.02)


def scripts(compiled: Compiled) -> dict[str, str]:
    """The scheduled functions as text."""
    return {
        variable.name_hint: function.script()
        for variable, function in compiled.scheduled.functions.items()
        if isinstance(function, tirx.PrimFunc)
    }


@names
@few
@given(size, st.integers(1, 90), st.integers(1, 70))
@pytest.mark.usefixtures("_small_chunks")
def test_pointwise_in_chunks(
    agree: Any, new_graph: Any, target: str, size: Any, inputs: int, outputs: int
) -> None:
    graph = new_graph()
    x = graph.input([1, inputs, *size])
    compiled = agree(graph.model(graph.convolution(x, [outputs, inputs, 1, 1])), target)
    assert compiled.account.fallbacks == []


@names
@few
@given(size, st.integers(4, 40), st.integers(1, 40), st.sampled_from((1, 2)))
@pytest.mark.usefixtures("_small_chunks")
def test_windows_in_chunks(
    agree: Any, new_graph: Any, target: str, size: Any, inputs: int, outputs: int, stride: int
) -> None:
    graph = new_graph()
    x = graph.input([1, inputs, *size])
    y = graph.convolution(x, [outputs, inputs, 3, 3], pads=[1] * 4, strides=[stride] * 2)
    assert agree(graph.model(graph.add("Relu", y)), target).account.fallbacks == []


@given(
    st.integers(1, 4000),
    st.integers(1, 28),
    st.integers(1, 8),
    st.sampled_from((1, 3, 5)),
    st.sampled_from((1, 4)),
)
def test_a_chunk_divides_and_fits(
    length: int, pixels: int, vectors: int, window: int, multiple: int
) -> None:
    target = targets.get("arm64-a76")
    tile = Tile(pixels, vectors, 4, True)
    chunk = chunk_steps(length, tile, target, window=window, multiple=multiple)
    assert length % chunk == 0
    fits = chunk * window * tile.channels * 4 <= target.l1_bytes
    assert chunk == length or (chunk % multiple == 0 and fits)
    assert most_tiles(tile, target) >= 1


@names
def test_sums_start_from_the_bias(agree: Any, new_graph: Any, target: str) -> None:
    for bias in (True, False):
        graph = new_graph()
        y = graph.convolution(graph.input([1, 16, 6, 6]), [32, 16, 1, 1], bias=bias)
        found = scripts(agree(graph.model(graph.add("Relu", y)), target))
        (script,) = (text for text in found.values() if "accumulate_init" in text)
        start = script.split("accumulate_init")[1].split("accumulate_update")[0]
        assert ("T.float32(0.0)" not in start) == bias


def test_weights_are_prefetched(agree: Any, graph: Any) -> None:
    y = graph.convolution(graph.input([1, 64, 7, 7]), [128, 64, 1, 1])
    model = graph.model(y)
    assert any("T.prefetch" in text for text in scripts(agree(model, "host")).values())
    assert not any("T.prefetch" in text for text in scripts(agree(model, "arm64-a76")).values())


@pytest.mark.parametrize("threads", [1, 2])
def test_of_a_large_panel_what_comes_next_is_asked_for(
    agree: Any, graph: Any, threads: int
) -> None:
    y = graph.add("MatMul", graph.input([1, 4096]), graph.weight(4096, 256))
    found = scripts(agree(graph.model(y), "host", threads=threads))
    (text,) = (script for script in found.values() if "T.prefetch" in script)
    panel, near = 4096 * 128, 65536 // 4
    (hint, *_) = (line for line in text.splitlines() if "T.prefetch" in line and ", 2, 1)" in line)
    assert f"* T.int64({panel})" in hint or f"* {panel}" in hint
    assert f"T.int64({near})" in hint or f"+ {near}" in hint


def test_a_convolution_prefetches_weights_that_are_read_once(agree: Any, graph: Any) -> None:
    y = graph.convolution(graph.input([1, 64, 14, 14]), [128, 64, 3, 3], pads=[1] * 4)
    gate = graph.convolution(graph.add("GlobalAveragePool", y), [64, 128, 1, 1])
    gate = graph.convolution(graph.add("Relu", gate), [128, 64, 1, 1])
    y = graph.add("Mul", y, graph.add("Sigmoid", gate))
    model = graph.model(y)
    prefetching = [name for name in scripts(agree(model, "host")) if name.endswith("_prefetching")]
    assert len(prefetching) == 1
    assert not any(name.endswith("_prefetching") for name in scripts(agree(model, "arm64-a76")))


@pytest.mark.parametrize(("edge", "threads"), [(28, 2), (7, 2), (7, 1)])
def test_several_threads_prefetch_the_panels_that_they_begin_the_next_kernel_with(
    agree: Any, graph: Any, edge: int, threads: int
) -> None:
    """Rows are divided in the larger image, weights in the smaller; one thread prefetches none."""
    y = graph.convolution(graph.input([1, 256, edge, edge]), [256, 256, 1, 1])
    y = graph.convolution(graph.add("Relu", y), [64, 256, 1, 1])
    found = scripts(agree(graph.model(graph.add("Sigmoid", y)), "host", threads=threads))
    prefetching = [text for name, text in found.items() if name.endswith("_prefetching")]
    assert len(prefetching) == (threads > 1)
    for text in prefetching:
        hints = [line for line in text.splitlines() if "later_0" in line and "T.prefetch" in line]
        assert hints
        assert any("share" in line for line in hints)


@names
def test_an_image_beyond_the_second_cache(agree: Any, graph: Any, target: str) -> None:
    edge = 96 if target == "host" else 48  # more than half of the second cache
    y = graph.convolution(
        graph.input([1, 64, edge, edge]), [64, 1, 3, 3], group=64, pads=[1] * 4, strides=[2, 2]
    )
    assert agree(graph.model(y), target).account.fallbacks == []


@names
def test_a_gate_is_computed_in_the_registers_of_its_product(
    agree: Any, graph: Any, target: str
) -> None:
    """The sigmoid has no loops of its own, though the image that it scales is larger."""
    x = graph.input([1, 64, 6, 6])
    gate = graph.convolution(graph.add("GlobalAveragePool", x), [64, 64, 1, 1])
    y = graph.add("Mul", x, graph.add("Sigmoid", gate))
    found = scripts(agree(graph.model(y), target))
    (script,) = (text for text in found.values() if "accumulate_update" in text)
    names = set(re.findall(r'T.sblock\("(\w+)"\)', script)) - {"root", "rows"}
    assert names == {"T_multiply", "accumulate_init", "accumulate_update", "compute"}


@names
def test_each_thread_asks_for_all_of_a_single_pixel(agree: Any, graph: Any, target: str) -> None:
    x = graph.input([1, 512, 4, 4])
    y = graph.convolution(graph.add("GlobalAveragePool", x), [256, 512, 1, 1])
    model = graph.model(graph.add("Relu", y))
    to_first_cache = ", 0, 3, 1)"
    found = scripts(agree(model, target, threads=2))
    (script,) = (text for text in found.values() if "accumulate_update" in text)
    (hint,) = (line for line in script.splitlines() if "T.prefetch" in line)
    first_operand = re.search(r"def \w+\((\w+): T.Buffer", script)
    assert first_operand
    assert f"address_of({first_operand[1]}[" in hint
    assert to_first_cache in hint
    assert "for line in range(T.int64(32))" in script
    assert not any(to_first_cache in text for text in scripts(agree(model, target)).values())
