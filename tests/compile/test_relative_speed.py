"""How runs are timed in turn, and what is called slow; times are made up."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import onnx
import pytest

from compile import relative_speed
from compile.pipeline import compile_model
from compile.relative_speed import LEAST_ROUNDS, MOST_ROUNDS, interleaved, slowest
from tests.compile.conftest import Graph


@pytest.mark.parametrize("seconds", [1e-3, 5e-3, 5.0])
def test_rounds_are_in_turn_and_end(seconds: float) -> None:
    now, order = [0.0], []

    def run(name: str, cost: float) -> None:
        order.append(name)
        now[0] += cost

    ours, theirs = interleaved(
        lambda: run("a", 3 * seconds), lambda: run("b", seconds), lambda: now[0]
    )
    assert len(ours) == len(theirs) == min(MOST_ROUNDS, max(LEAST_ROUNDS, round(0.025 / seconds)))
    assert order == ["a", "b"] * (len(ours) + 1)
    assert median(ours) / median(theirs) == pytest.approx(3)


def test_the_costliest_operators_are_named_by_their_shares() -> None:
    calls = [("fused_matmul3_add1", 3.0), ("softmax", 2.0), ("vm.builtin.shape", 9.0)]
    rest = [("fused_matmul_add", 1.0), ("transpose1", 0.5), ("transpose2", 0.5), ("abs", 1.0)]
    assert slowest([calls, rest]) == [
        {"operators": "matmul_add", "share": 0.5},
        {"operators": "softmax", "share": 0.25},
        {"operators": "transpose", "share": 0.125},
    ]
    assert slowest([[("conv2d", 9.0), ("add", 1.0)]]) == [{"operators": "conv2d", "share": 0.9}]


@pytest.mark.parametrize(("target", "threads"), [("host", 1), ("host", 2), ("arm64-a76", 1)])
def test_an_artefact_for_this_machine_says_how_fast_it_is(
    graph: Graph, tmp_path: Path, target: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relative_speed, "NOTICEABLE_S", 0.0)
    monkeypatch.setattr(relative_speed, "SLOW", 0.0)
    onnx.save(graph.model(graph.add("Relu", graph.input([1, 8, 9, 9]))), str(tmp_path / "m.onnx"))
    made = compile_model(tmp_path / "m.onnx", target, tmp_path / "out", threads=threads)
    speed = made.manifest["speed"]
    if (target, threads) != ("host", 1):
        assert speed is None
    else:
        assert [one["operators"] for one in speed["slowest"]] == ["relu"]
        assert speed["ratio"] > 0
