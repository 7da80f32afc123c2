from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import onnx
import pytest

from compile import targets
from compile.check import check_against_onnxruntime
from compile.choices import Choices, around_default, describe
from compile.lowering import build
from compile.onnx.checked_model import load_model
from compile.pipeline import generate
from compile.runtime.executable import Machine, by_name
from tests.compile.conftest import Graph

T = TypeVar("T")


class Drawn(Choices):
    """Chooses at random among whatever is asked, and keeps what it chose."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = np.random.default_rng(seed)
        self.drawn: dict[tuple[str, str], str] = {}

    def pick(self, workload: str, name: str, options: Sequence[T]) -> T:
        texts = list(map(str, options))
        assert len(set(texts)) == len(texts)
        key = workload, name
        if self.drawn.get(key) not in texts:
            self.drawn[key] = texts[self.random.integers(len(texts))]
        return options[texts.index(self.drawn[key])]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory, new_graph: type[Graph]) -> Path:
    """One of every family with choices, on edges and channels that divide badly."""
    graph = new_graph()
    x = graph.input([1, 8, 14, 18])
    x = graph.add("Relu", graph.convolution(x, [24, 8, 3, 3], pads=[1, 1, 1, 1]))
    x = graph.convolution(x, [24, 1, 3, 3], group=24, pads=[1, 1, 1, 1])
    x = graph.convolution(x, [152, 24, 1, 1])
    x = graph.add("Relu", graph.convolution(x, [152, 8, 3, 3], group=19, pads=[1, 1, 1, 1]))
    x = graph.add("Add", graph.convolution(x, [608, 152, 1, 1]), graph.weight(608, 1, 1))
    x = graph.convolution(x, [20, 608, 1, 1], strides=[2, 2])
    pooled = graph.add("GlobalAveragePool", x)
    x = graph.add("Mul", x, graph.convolution(pooled, [20, 20, 1, 1]))
    path = tmp_path_factory.mktemp("mixed") / "model.onnx"
    onnx.save(graph.model(x), str(path))
    return path


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", targets.NAMES)
def test_whatever_may_be_chosen_computes_the_same(mixed: Path, name: str, seed: int) -> None:
    source = load_model(mixed)
    choices = Drawn(seed)
    compiled = generate(source, replace(targets.get(name), choices=choices))

    assert not compiled.account.fallbacks
    assert {one for _, one in choices.drawn} >= {"tile", "rows", "outermost"}
    executable = build.lower(compiled.scheduled, targets.get("host"))
    run = by_name(Machine(executable), source.inputs, [port.name for port in compiled.outputs])
    check_against_onnxruntime(source, run, where="test", tolerance=2e-5)


def test_a_tuned_choice_is_taken_and_an_illegal_one_is_not() -> None:
    choices = Choices({"w": {"rows": "7", "tile": "99x9x16"}, "other": {"rows": "1"}})
    choose = choices.of("w")

    assert choose("rows", [14, 7, 2]) == 7
    assert choose("tile", ["14x2x16", "7x2x16"]) == "14x2x16"
    assert choose("ahead", ("yes", "no")) == "yes"
    assert choices.taken("w") == {"rows": "7"}
    assert choices.taken("other") == {}
    assert choices.asked["w"]["rows"] == ["14", "7", "2"]


def test_what_leaves_no_choice_is_not_asked() -> None:
    choices = Choices()
    assert choices.of("w")("rows", [3]) == 3
    assert choices.of("")("rows", [3, 1]) == 3
    assert not choices.asked


def test_options_come_nearest_first() -> None:
    assert around_default(4, [1, 2, 4, 8, 16]) == [4, 2, 8, 1, 16]
    assert around_default(5, [1]) == [5, 1]


def test_workloads_are_named_for_people() -> None:
    assert describe("pointwise", [1, 14, 14], (256, 304), stride=(1, 1), float=32) == (
        "pointwise 1x14x14 256 to 304 stride 1x1 float 32"
    )
