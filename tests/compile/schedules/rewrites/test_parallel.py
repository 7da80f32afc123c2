"""Parallel loops: the same result on any number of threads, with the work divided evenly."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tvm import tirx
from tvm.s_tir import SBlockRealize
from tvm_ffi import structural_walk

from compile import targets
from compile.compiled import Compiled
from compile.operators.loop_nests import mentions
from compile.operators.tiles import BALANCED, balance
from compile.runtime.executable import Machine
from compile.runtime.threads import usable_cores, use_threads
from compile.schedules.rewrites import parallel
from depthbench.errors import InputError
from tests.compile.conftest import Agree, Graph

few = settings(
    max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.fixture(autouse=True)
def _one_thread_afterwards() -> Iterator[None]:
    yield
    use_threads(1)


@pytest.fixture
def _every_loop_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "GRAIN_MACS", 1)


def block(new_graph: Any, channels: int, size: tuple[int, int], stride: int, kernel: int) -> Any:
    """Every family of schedules, with borders, epilogues, a mean and a resize between them."""
    graph = new_graph()
    x = graph.input([1, channels, *size])
    pads = [kernel // 2] * 4
    y = graph.add("Relu", graph.convolution(x, [16, channels, 3, 3], pads=[1] * 4))
    y = graph.convolution(y, [16, 1, kernel, kernel], group=16, pads=pads, strides=[stride] * 2)
    y = graph.convolution(y, [24, 8, 3, 3], group=2, pads=[1] * 4)
    gate = graph.add(
        "Sigmoid", graph.convolution(graph.add("GlobalAveragePool", y), [24, 24, 1, 1])
    )
    y = graph.convolution(graph.add("Mul", y, gate), [20, 24, 1, 1])
    return graph.model(graph.add("Relu", graph.resize(y, (2, 2), "bilinear")))


def stretches(compiled: Compiled) -> list[int]:
    """The lengths of all parallel loops."""
    loops = [loop for _, function in functions(compiled) for loop in parallel_loops(function)]
    return [int(loop.extent) for loop in loops]


def parallel_loops(function: Any) -> list[Any]:
    found: list[Any] = []

    def on_loop(loop: Any) -> None:
        if loop.kind == tirx.ForKind.PARALLEL:
            found.append(loop)

    structural_walk(function.body, (tirx.For, on_loop))
    return found


def functions(compiled: Compiled) -> list[tuple[str, Any]]:
    """The loop nests of a module by name."""
    found = compiled.scheduled.functions.items()
    return [(var.name_hint, one) for var, one in found if isinstance(one, tirx.PrimFunc)]


def product_of(compiled: Compiled) -> str:
    return next(name for name, _ in functions(compiled) if "pointwise" in name)


def cut_axis(function: Any) -> str:
    """What the shares of the only parallel loop divide of an accumulation."""
    (loop,) = parallel_loops(function)
    found: list[Any] = []
    structural_walk(loop.body, (SBlockRealize, found.append))
    sums = next(one for one in found if one.block.name_hint == "accumulate_update")
    along = [mentions(value, loop.loop_var) for value in sums.iter_values]
    return "channels" if along[3] else "rows"


@pytest.mark.usefixtures("_every_loop_pays")
def test_a_block_that_does_not_say_what_it_writes_stays(agree: Agree, graph: Graph) -> None:
    """TVM's scatters are loops of their own inside one."""
    places = graph.constant(np.array([[0]]))
    scattered = graph.add("ScatterND", graph.input([1, 7, 9]), places, graph.weight(1, 7, 9))
    agree(graph.model(scattered), threads=2)


@few
@given(
    st.integers(1, 20),
    st.tuples(st.integers(3, 40), st.integers(3, 40)),
    st.sampled_from((1, 2)),
    st.sampled_from((3, 5)),
)
@pytest.mark.usefixtures("_every_loop_pays")
def test_threads_change_nothing(
    agree: Agree,
    new_graph: type[Graph],
    channels: int,
    size: tuple[int, int],
    stride: int,
    kernel: int,
) -> None:
    """Not a bit differs, in any of many runs: no thread writes what another reads or writes."""
    compiled = agree(block(new_graph, channels, size, stride, kernel), threads=2)
    assert stretches(compiled)
    image = np.random.default_rng(0).random((1, channels, *size), np.float32)
    (alone,) = Machine(compiled.executable).run([image])
    for threads in range(2, usable_cores() + 1):
        machine = Machine(compiled.executable, threads)
        for _ in range(5):
            np.testing.assert_array_equal(machine.run([image])[0], alone)


@pytest.mark.parametrize("target", targets.NAMES)
def test_what_pays_is_parallel_and_accounted_for(agree: Agree, graph: Graph, target: str) -> None:
    y = graph.convolution(graph.input([1, 32, 28, 28]), [64, 32, 3, 3], pads=[1] * 4)
    compiled = agree(graph.model(graph.convolution(y, [64, 64, 1, 1])), target, threads=2)
    lengths = stretches(compiled)
    assert len(lengths) >= 2
    assert all(length / (2 * -(-length // 2)) >= 0.85 for length in lengths), lengths
    assert compiled.account.to_dict()["parallel_share"] == 1


def test_what_does_not_pay_is_not(agree: Agree, graph: Graph) -> None:
    small = graph.model(graph.convolution(graph.input([1, 8, 7, 7]), [16, 8, 1, 1]))
    compiled = agree(small, threads=2)
    assert stretches(compiled) == []
    assert compiled.account.to_dict()["parallel_share"] == 0


@pytest.mark.usefixtures("_every_loop_pays")
@pytest.mark.parametrize("target", targets.NAMES)
def test_no_launch_in_every_turn_of_a_loop(agree: Agree, graph: Graph, target: str) -> None:
    """One block of channels in chunks: a loop over chunks lies around all others."""
    y = graph.convolution(graph.input([1, 1216, 7, 7]), [220, 1216, 1, 1])
    agree(graph.model(graph.add("Relu", y)), target, threads=2)


@pytest.mark.usefixtures("_every_loop_pays")
@pytest.mark.parametrize(("kernel", "edge"), [(2, 7), (3, 7), (3, 14), (5, 9)])
def test_loops_whose_last_turn_is_another_are_not_cut(
    agree: Agree, graph: Graph, kernel: int, edge: int
) -> None:
    """220 channels are 14 vectors, of which the last alone is not full."""
    pads = [kernel // 2, kernel // 2, (kernel - 1) // 2, (kernel - 1) // 2]
    x = graph.input([1, 220, edge, edge])
    agree(
        graph.model(graph.convolution(x, [220, 1, kernel, kernel], group=220, pads=pads)), threads=2
    )


def test_code_for_one_thread_has_no_parallel_loops(agree: Agree, graph: Graph) -> None:
    large = graph.model(graph.convolution(graph.input([1, 64, 28, 28]), [64, 64, 3, 3]))
    assert stretches(agree(large)) == []


@given(st.lists(st.integers(1, 60), min_size=1, max_size=5), st.integers(2, 8))
def test_fewest_outer_loops_that_divide_evenly(lengths: list[int], threads: int) -> None:
    count = parallel._loops_to_fuse(lengths, threads)
    whole = [int(np.prod(lengths[: n + 1])) for n in range(len(lengths))]
    shares = [balance(number, threads) for number in whole]
    assert shares[count - 1] >= min(BALANCED, max(shares))
    assert all(share < BALANCED for share in shares[: count - 1])


def test_balance_is_the_slowest_threads_share() -> None:
    assert balance(12, 3) == 1
    assert balance(7, 3) == pytest.approx(7 / 9)  # 3, 3 and 1
    assert balance(1, 4) == pytest.approx(1 / 4)


@pytest.mark.parametrize(("edge", "halved"), [(56, "rows"), (1, "channels")])
def test_rows_are_divided_where_there_are_some(
    agree: Agree, graph: Graph, edge: int, halved: str
) -> None:
    y = graph.convolution(graph.input([1, 1024, edge, edge]), [1024, 1024, 1, 1])
    compiled = agree(graph.model(y), threads=2)
    assert cut_axis(dict(functions(compiled))[product_of(compiled)]) == halved


def test_a_mean_is_taken_of_the_rows_that_each_thread_wrote(agree: Agree, graph: Graph) -> None:
    x = graph.input([1, 64, 56, 56])
    compiled = agree(graph.model(graph.add("GlobalAveragePool", graph.add("Relu", x))), threads=2)
    assert stretches(compiled)[-1] == 2


@pytest.mark.parametrize(("edge", "channels"), [(7, 608), (7, 220), (1, 152)])
def test_odd_maps_are_divided_evenly(agree: Agree, graph: Graph, edge: int, channels: int) -> None:
    """Neither 7 rows nor 19 blocks of 32 channels are, but tiles of both are."""
    x = graph.input([1, 608, edge, edge])
    compiled = agree(graph.model(graph.convolution(x, [channels, 608, 1, 1])), threads=2)
    lengths = stretches(compiled)
    assert lengths
    assert all(balance(length, 2) >= BALANCED for length in lengths)


def test_more_threads_than_cores_are_refused() -> None:
    with pytest.raises(InputError, match="ask for 1 to"):
        use_threads(10_000)
    with pytest.raises(InputError, match="ask for 1 to"):
        use_threads(0)


def test_a_thread_pinned_to_one_core_gets_one() -> None:
    def ask() -> None:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        use_threads(2)

    with ThreadPoolExecutor(1) as other, pytest.raises(InputError, match="there are 1 cores"):
        other.submit(ask).result()
