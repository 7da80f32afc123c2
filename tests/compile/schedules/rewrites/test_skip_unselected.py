"""What a branch alone needs is not computed while the other is taken, and nobody misses it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import tvm
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from tvm import relax

from compile import targets
from compile.compiled import Compiled
from compile.lowering import build
from compile.onnx.checked_model import load_model
from compile.pipeline import generate
from compile.precision import FP16, FP32, Precision
from tests.compile.conftest import Graph, run_on_onnxruntime

CHANNELS, EDGE = 8, 6
IMAGE = [1, CHANNELS, EDGE, EDGE]
Branch = Callable[[], Sequence[str]]


class BranchingGraph(Graph):
    """A graph that has other graphs in it; names are unique in all of them."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._number = count()

    def add(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        number = next(self._number)
        names = [f"{operator.lower()}{number}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(operator, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def same(self, x: str) -> str:
        """A convolution that keeps an image's shape."""
        return self.convolution(x, [CHANNELS, CHANNELS, 3, 3], pads=[1, 1, 1, 1])

    def choice(self, condition: str, yes: Branch, no: Branch) -> Any:
        """An `If` between what two functions add, each of which names its results."""
        bodies = {"then_branch": self._body(yes), "else_branch": self._body(no)}
        results = len(bodies["then_branch"].output)
        return self.add("If", condition, outputs=results, **bodies)

    def _body(self, branch: Branch) -> onnx.GraphProto:
        outer, self.nodes = self.nodes, []
        names = branch()
        nodes, self.nodes = self.nodes, outer
        values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, IMAGE) for n in names]
        return helper.make_graph(nodes, f"g{next(self._number)}", [], values)


def runs(
    model: onnx.ModelProto,
    folder: Path,
    inputs: dict[str, np.ndarray],
    *,
    target: str = "host",
    threads: int = 1,
    numbers: Precision = FP32,
) -> tuple[Compiled, list[str]]:
    """The model compiled, and the kernels that ran; fails if outputs are not ONNX Runtime's.

    Before each kernel its result is filled with NaN, or a number that no index may be.
    """
    onnx.save(model, str(folder / "model.onnx"))
    source = load_model(folder / "model.onnx")
    compiled = generate(source, targets.get(target, threads), numbers)
    here = targets.get("host")
    executable = compiled.executable if target == "host" else build.lower(compiled.scheduled, here)
    machine = relax.VirtualMachine(executable, tvm.cpu())
    ran: list[str] = []

    def watch(_: Any, name: str, before: bool, result: Any, *arguments: Any) -> None:
        if name not in kernels:
            return
        written = np.from_dlpack(arguments[-1])
        poison = np.nan if written.dtype.kind == "f" else np.ones((), written.dtype) * 113
        if before:
            written[...] = poison
        elif not np.array_equal(written, np.full_like(written, poison), equal_nan=True):
            ran.append(name)

    kernels = {one.name_hint for one in compiled.scheduled.get_global_vars()} - {"main"}
    machine.set_instrument(watch)
    found = machine["main"](*(tvm.runtime.tensor(one) for one in inputs.values()))
    found = [found] if hasattr(found, "numpy") else list(found)
    wanted = run_on_onnxruntime(model, inputs)
    for ours, theirs in zip(found, wanted.values(), strict=True):
        scale = np.abs(theirs).max() + 1e-6
        assert np.abs(ours.numpy() - theirs).max() / scale <= max(numbers.tolerance, 2e-5)
    return compiled, ran


def heavy(results: int) -> onnx.ModelProto:
    """A convolution, then three of them in a row or one and a pooling, then one for each result."""
    graph = BranchingGraph()
    x, holds = graph.input(IMAGE), graph.input([1], "holds")
    condition = graph.add("Greater", holds, graph.constant(np.zeros(1, np.float32)))
    y = graph.same(x)

    def yes() -> list[str]:
        deep = graph.same(graph.same(y))
        return [graph.add("Relu", graph.same(deep)), deep][:results]

    def no() -> list[str]:
        pooled = graph.add("MaxPool", graph.same(y), kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        return [pooled, graph.add("Neg", y)][:results]

    made = graph.choice(condition, yes, no)
    return graph.model(*(graph.same(one) for one in ([made] if results == 1 else made)))


@pytest.mark.parametrize("holds", [False, True])
@pytest.mark.parametrize("results", [1, 2])
@pytest.mark.parametrize(
    ("target", "threads", "numbers"),
    [("host", 1, FP32), ("host", 2, FP32), ("arm64-a76", 1, FP16)],
)
def test_only_the_branch_that_is_taken_runs_and_on_scheduled_kernels(
    tmp_path: Path, target: str, threads: int, numbers: Precision, results: int, holds: bool
) -> None:
    x = np.random.default_rng(0).random(IMAGE, np.float32)
    inputs = {"x": x, "holds": np.full(1, holds, np.float32)}
    compiled, ran = runs(
        heavy(results), tmp_path, inputs, target=target, threads=threads, numbers=numbers
    )
    account = compiled.account.to_dict()
    assert account["scheduled_share"] == 1
    assert account["families"]["spatial"] == 1 + 3 + 1 + results
    convolutions = [name for name in ran if "convolution" in name]
    assert len(convolutions) == 1 + (3 if holds else 1) + results
    assert any("pool" in name for name in ran) != holds


def test_branches_of_arithmetic_cost_no_kernel(tmp_path: Path) -> None:
    graph = BranchingGraph()
    x, holds = graph.input(IMAGE), graph.input([1], "holds")
    condition = graph.add("Greater", holds, graph.constant(np.zeros(1, np.float32)))
    y = graph.same(x)
    made = graph.choice(condition, lambda: [graph.add("Exp", y)], lambda: [graph.add("Neg", y)])
    inputs = {"x": np.ones(IMAGE, np.float32), "holds": np.ones(1, np.float32)}
    _, ran = runs(graph.model(graph.same(made)), tmp_path, inputs)
    assert not any("selection" in name for name in ran)


@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_no_result_depends_on_what_was_skipped(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Branches in branches, of conditions made within them, which share values with each other."""
    graph = BranchingGraph(data.draw(st.integers(0, 99)))
    x, holds = graph.input(IMAGE), graph.input([4], "holds")

    def step(known: list[str], depth: int) -> str:
        kinds = ["Conv", "Add", "Relu", "Pool", "Gather", *(["If", "If"] if depth < 2 else [])]
        kind = data.draw(st.sampled_from(kinds))
        one, other = (data.draw(st.sampled_from(known)) for _ in range(2))
        if kind == "Conv":
            return graph.same(one)
        if kind == "Pool":
            return graph.add("AveragePool", one, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        if kind == "Gather":
            order = graph.add("TopK", one, graph.constant(np.array([CHANNELS])), outputs=2, axis=1)
            return graph.add("GatherElements", other, order[1], axis=1)
        if kind != "If":
            return graph.add(kind, *([one, other] if kind == "Add" else [one]))
        if data.draw(st.booleans()):
            value = graph.add("ReduceMean", other, keepdims=0)
        else:
            at = graph.constant(np.array(data.draw(st.integers(0, 3))))
            value = graph.add("Gather", holds, at)
        condition = graph.add("Greater", value, graph.constant(np.float32(0.01)))
        return graph.choice(
            condition, lambda: [steps(known, depth + 1)], lambda: [steps(known, depth + 1)]
        )

    def steps(known: list[str], depth: int) -> str:
        known = list(known)
        for _ in range(data.draw(st.integers(1, 3))):
            known.append(step(known, depth))
        return graph.add("Add", known[-1], known[-2]) if len(known) > 1 else known[-1]

    model = graph.model(steps([x, graph.same(x)], 0))
    folder = tmp_path_factory.mktemp("models")
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    inputs = {
        "x": random.standard_normal(IMAGE).astype(np.float32),
        "holds": random.integers(-1, 2, 4).astype(np.float32),
    }
    runs(model, folder, inputs)
