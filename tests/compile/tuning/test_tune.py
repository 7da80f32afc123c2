"""The search over a tiny network, with costs that are made up and with real ones."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from tvm.s_tir.schedule import ScheduleError

from compile import targets
from compile.onnx.checked_model import load_model
from compile.precision import FP32
from compile.schedules import select
from compile.tuning import tune
from compile.tuning.host import HostMeasurer
from compile.tuning.journal import Journal
from compile.tuning.network import Network, Trial
from compile.tuning.running import Running, differing
from compile.tuning.tune import Tuning
from depthbench.errors import CheckFailed
from tests.compile.conftest import Graph


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory, new_graph: type[Graph]) -> Network:
    graph = new_graph()
    x = graph.add("Relu", graph.convolution(graph.input([1, 3, 16, 16]), [16, 3, 3, 3]))
    x = graph.convolution(x, [32, 16, 1, 1])
    path = tmp_path_factory.mktemp("tiny") / "model.onnx"
    onnx.save(graph.model(x), str(path))
    return Network(load_model(path), targets.get("host"), FP32)


class Fewer:
    """A made-up cost: long texts are cheap, so that there is something to find."""

    objective = "letters spared"
    exact = True
    places = 1

    def __init__(self, formula: Trial, running: Running) -> None:
        pass

    def costs(self, trial: Trial, running: Running) -> Mapping[str, tuple[float, float]]:
        made = trial.choices.tuned
        return {
            name: (100.0 - len("".join(made.get(name, {}).values())), 100.0)
            for name in trial.kernels.values()
        }


class Nothing(Fewer):
    def costs(self, trial: Trial, running: Running) -> Mapping[str, tuple[float, float]]:
        return {}


def test_goes_on_where_it_ended(network: Network, tmp_path: Path) -> None:
    once = Tuning(network, "tiny", Fewer, Journal(tmp_path / "once", {})).run(1.2)
    for already in range(3):
        journal = Journal(tmp_path / "parts", {})
        assert len(journal.rounds) == already
        each = journal.seconds / max(1, already)
        parts = Tuning(network, "tiny", Fewer, journal).run(journal.seconds + 1.01 * each)

    rounds = [
        [[one.choices for one in each.measured] for each in Journal(tmp_path / name, {}).rounds]
        for name in ("once", "parts")
    ]
    both = min(map(len, rounds))
    assert rounds[0][:both] == rounds[1][:both]
    assert once.gain > 0
    assert parts.gain > 0
    assert {record.objective for record in parts.records.values()} == {"letters spared"}


def test_two_places_measure_different_trials_at_the_same_time(
    network: Network, tmp_path: Path
) -> None:
    both = threading.Barrier(2, timeout=60)

    class Two(Fewer):
        places = 2

        def costs(self, trial: Trial, running: Running) -> Mapping[str, tuple[float, float]]:
            both.wait()
            return super().costs(trial, running)

    journal = Journal(tmp_path, {})
    found = Tuning(network, "tiny", Two, journal).run(0.01)
    assert found.rounds == 2
    first, second = (
        {one.workload: one.choices for one in each.measured} for each in journal.rounds
    )
    assert first.keys() == second.keys()
    assert all(first[name] != second[name] for name in first)


def test_nothing_measured_is_an_error(network: Network, tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match="tiny: nothing was measured: not measured"):
        Tuning(network, "tiny", Nothing, Journal(tmp_path, {})).run(0.01)


def test_nothing_to_choose_is_an_error(graph: Graph, tmp_path: Path) -> None:
    x = graph.add("Relu", graph.input([1, 3, 8, 8]))
    onnx.save(graph.model(x), str(tmp_path / "relu.onnx"))
    network = Network(load_model(tmp_path / "relu.onnx"), targets.get("host"), FP32)
    with pytest.raises(CheckFailed, match="no operator whose schedule has a choice"):
        Tuning(network, "relu", Fewer, Journal(tmp_path, {}))


def test_measures_on_this_machine(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tune, "CONFIRMING", 1)
    states: list[tune.State] = []
    journal = Journal(tmp_path, {})
    found = Tuning(network, "tiny", HostMeasurer, journal, seed=3).run(1.0, states.append)

    assert found.workloads == 2
    assert found.measured
    assert not found.failed
    assert journal.rounds[-1].confirms
    assert [state.round for state in states] == list(range(1, found.rounds + 1))
    # What is kept is better than the formula's, or nothing is kept.
    assert all(record.tuned < record.formula for record in found.records.values())
    network.build(found.choices)


def test_what_computes_something_else_is_not_kept(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = network.build({})
    culprit = next(name for name in right.kernels.values() if name.startswith("pointwise"))

    class Wrong(Running):
        def __init__(self, trial: Trial, *rest: Any) -> None:
            super().__init__(trial, *rest)
            self.wrong = culprit in trial.choices.tuned

        def results(self) -> list:
            add = 1 if self.wrong else 0
            return [(name, value + add * (name == culprit)) for name, value in super().results()]

    monkeypatch.setattr(tune, "Running", Wrong)
    found = Tuning(network, "tiny", Fewer, Journal(tmp_path, {})).run(1.0)
    assert culprit not in found.records
    assert found.failed
    assert found.records


def test_another_machine_is_checked_by_its_twin(network: Network, tmp_path: Path) -> None:
    phone = Network(network.source, targets.get("arm64-a76"), FP32)
    found = Tuning(phone, "tiny", Fewer, Journal(tmp_path, {})).run(0.01)
    assert found.measured
    assert not found.failed


def test_a_schedule_that_does_not_fit_is_no_candidate(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function falls back to another schedule, and its trial says so."""

    def unfit(*_: object) -> None:
        raise ScheduleError("does not fit")

    monkeypatch.setitem(select.FAMILIES, "contraction", unfit)
    trial = network.build({})
    assert {name.split()[0] for name in trial.failed} == {"pointwise"}


def test_what_is_joined_with_its_window_is_no_task(new_graph: type[Graph], tmp_path: Path) -> None:
    """Its choices could part the two, and what the window then takes would be nobody's."""
    graph = new_graph()
    x = graph.convolution(graph.input([1, 16, 64, 64]), [16, 1, 3, 3], group=16, pads=[1, 1, 1, 1])
    x = graph.add("Relu", graph.convolution(graph.add("Relu", x), [32, 16, 1, 1]))
    x = graph.convolution(x, [8, 32, 1, 1])
    onnx.save(graph.model(x), str(tmp_path / "model.onnx"))
    phone = Network(load_model(tmp_path / "model.onnx"), targets.get("arm64-a76"), FP32)
    trial = phone.build({})

    assert trial.compiled.account.families.get("separable") == 1
    found = Tuning(phone, "tiny", Fewer, Journal(tmp_path, {})).run(0.01)
    assert found.workloads == len(trial.choices.asked) - 1 == 1


def test_results_are_paired_by_workload() -> None:
    one, two = np.array([1.0]), np.array([2.0])
    expected = [("a", one), ("b", two), ("a", two)]
    assert differing([("b", two), ("a", one), ("a", two), ("c", one)], expected, 1e-6) is None
    assert differing([("a", one), ("a", one)], expected, 1e-6) == "a"


def test_what_was_measured_is_let_go(network: Network) -> None:
    running = Running(network.build({}), network.source, 1)
    running.results()
    running.times()
    still_there = weakref.ref(running)
    del running
    assert still_there() is None
