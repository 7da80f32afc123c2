"""Few random models agree, and few harmed files are answered in one line; always the same ones."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.compile.conftest import Graph

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def run(benchmark: str, *options: str) -> dict[str, Any]:
    command = [sys.executable, str(BENCHMARKS / f"{benchmark}.py"), *options, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def test_random_operators_agree_or_are_refused() -> None:
    found = run("random_operators", "--models", "60", "--seed", "7")
    assert found["models"] == 60
    assert found["agreed"] >= 50
    assert not found["failed the check, why"]
    assert not found["silently wrong, why"]
    assert not found["internal error, why"]


def test_harmed_files_are_answered_in_one_line() -> None:
    found = run("mutated_models", "--files", "100", "--seed", "7")
    assert found["exit 0"] + found["exit 1"] + found["exit 2"] == 100, found["bad"]
    assert found["exit 2"] > 50


@pytest.fixture
def judging(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module that judges random models."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("random_models.judge")


@pytest.fixture
def normalised_twice() -> bytes:
    """A model whose result is rounding errors divided by each other where its input is zero."""
    return normalised(1.0)


def normalised(scale: float) -> bytes:
    """A model that adds to its input times `scale`, and normalises that twice."""
    graph = Graph()
    y = graph.add("Mul", graph.input([2, 3, 9]), graph.constant(np.float32(scale)))
    y = graph.add("Add", y, graph.constant(np.float32(0.3)))
    for _ in range(2):
        centred = graph.add("Sub", y, graph.add("ReduceMean", y, axes=[-1]))
        variance = graph.add("ReduceMean", graph.add("Mul", centred, centred), axes=[-1])
        spread = graph.add("Sqrt", graph.add("Add", variance, graph.constant(np.float32(1e-3))))
        y = graph.add("Mul", graph.add("Div", centred, spread), graph.weight(9))
    return graph.model(y, opset=17).SerializeToString()


def test_roundings_move_only_what_is_made_of_them(judging: Any, normalised_twice: bytes) -> None:
    noise = {}
    for kind, values in (("zeros", np.zeros), ("normal", np.random.default_rng(0).standard_normal)):
        feeds = {"x": values((2, 3, 9)).astype(np.float32)}
        (wanted,) = judging.reference(normalised_twice)(feeds)
        noise[kind] = judging.rounding_noise(normalised_twice, feeds, {"y": wanted})["y"]
    assert noise["zeros"] > 0.01
    assert noise["normal"] < 1e-3


@pytest.mark.parametrize(("off", "found"), [(0.012, "agreed"), (0.3, "silently wrong")])
def test_roundings_to_half_are_judged_as_such(
    judging: Any, off: float, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Adding to small numbers costs digits, and more of fp16."""
    compiled = judging._compiled

    def faulty(path: Path, way: Any) -> Any:
        run, model, check = compiled(path, way)
        return (
            lambda feeds: {name: value * (1 + off) for name, value in run(feeds).items()},
            model,
            check,
        )

    monkeypatch.setattr(judging, "_compiled", faulty)
    kind, why = judging.judge(normalised(0.05), judging.Way("arm64-a76", "fp16"))
    assert kind == found, why


def test_no_number_of_onnxruntime_where_float64_has_one(judging: Any) -> None:
    """Large inputs become infinities, which ONNX Runtime resizes with weights of nothing."""
    graph = Graph()
    scales = graph.constant(np.array([1, 1, 2, 2], np.float32))
    options: dict[str, Any] = {
        "mode": "linear",
        "coordinate_transformation_mode": "pytorch_half_pixel",
    }
    x = graph.add("Exp", graph.add("Mul", graph.input([1, 1, 9, 9]), graph.constant(np.float32(5))))
    model = graph.model(graph.add("Resize", x, "", scales, **options))
    feeds = judging.some_inputs(model.graph, "large", 1)
    assert np.isnan(judging.reference(model.SerializeToString())(feeds)[0]).any()
    kind, why = judging.judge(model.SerializeToString(), judging.Way())
    assert kind == "agreed", why


Fault = Callable[[np.ndarray], np.ndarray]


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (lambda x: 1e-4 * (np.abs(x).max() == 0), "agreed"),
        (lambda x: 1e-2 * (np.abs(x).max() > 0), "silently wrong"),
        (lambda x: 1e-2 * (x < -2).any(), "silently wrong"),
        (lambda x: np.inf * (np.abs(x).max() == 0), "silently wrong"),
    ],
)
def test_roundings_excuse_no_fault(
    judging: Any,
    normalised_twice: bytes,
    fault: Fault,
    found: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled = judging._compiled

    def faulty(path: Path, way: Any) -> Any:
        run, model, check = compiled(path, way)
        return (
            lambda feeds: {
                name: value + np.nan_to_num(fault(feeds["x"]), nan=0.0, posinf=np.inf)
                for name, value in run(feeds).items()
            },
            model,
            check,
        )

    monkeypatch.setattr(judging, "_compiled", faulty)
    kind, why = judging.judge(normalised_twice, judging.Way())
    assert kind == found, why


@pytest.mark.parametrize(("operator", "found"), [("Max", "agreed"), ("Add", "silently wrong")])
def test_only_nan_that_the_manifest_owns_up_to_may_be_lost(
    judging: Any, operator: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Infinities of large inputs, less each other."""
    graph = Graph()
    y = graph.add("Exp", graph.input([2, 300]))
    y = graph.add("Sub", y, graph.add("Mul", y, graph.constant(np.float32(2))))
    model = graph.model(graph.add(operator, y, graph.constant(np.float32(3))))
    compiled = judging._compiled

    def without_nan(path: Path, way: Any) -> Any:
        run, source, check = compiled(path, way)
        return (
            lambda feeds: {name: np.nan_to_num(one, nan=3) for name, one in run(feeds).items()},
            source,
            check,
        )

    monkeypatch.setattr(judging, "_compiled", without_nan)
    kind, why = judging.judge(model.SerializeToString(), judging.Way())
    assert kind == found, why
