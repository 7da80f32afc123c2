"""Trials of a tiny network on the emulated phone: by cost, and by its clock over RPC."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from android_rpc.bundle.bundle import Bundle
from android_rpc.devices.emulated import EmulatedPhone
from android_rpc.devices.tracker_device import TrackerDevice, TrackerDevicePool
from android_rpc.session import Session
from android_rpc.tracker.tracker import Tracker
from bench.cost.memory.traffic import Moved
from bench.tuning.device_measurer import DeviceMeasurer
from bench.tuning.emulated_measurer import CORE, EmulatedMeasurer, cycles
from compile import targets
from compile.onnx.checked_model import load_model
from compile.precision import FP32
from compile.tuning.journal import Journal
from compile.tuning.network import Network, Trial
from compile.tuning.running import Running
from compile.tuning.tune import Tuning
from depthbench.errors import ToolMissing

Trials = tuple[Trial, Trial, Running]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    random = np.random.default_rng(0)
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 16, 16, 16])
    depth = helper.make_tensor_value_info("depth", TensorProto.FLOAT, [1, 32, 16, 16])
    weights = [
        numpy_helper.from_array(random.standard_normal(shape).astype(np.float32), name)
        for name, shape in {"a": (16, 16, 3, 3), "b": (32, 16, 1, 1)}.items()
    ]
    nodes = [
        helper.make_node("Conv", ["image", "a"], ["x"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["x"], ["y"]),
        helper.make_node("Conv", ["y", "b"], ["depth"]),
    ]
    graph = helper.make_graph(nodes, "tiny", [image], [depth], weights)
    path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), path)
    return Network(load_model(path), targets.get("arm64-a76"), FP32)


@pytest.fixture(scope="module")
def trials(network: Network) -> Trials:
    """By default; with the narrowest and shortest tile for the 1x1 convolution; its twin here."""
    default = network.build({})
    name = next(one for one in default.choices.asked if one.startswith("pointwise"))
    tile = next(one for one in default.choices.asked[name]["tile"] if one.startswith("1x1x4"))
    return default, network.build({name: {"tile": tile}}), Running(default, network.source, 1)


def test_cost_under_emulation_tells_a_poor_tile(trials: Trials) -> None:
    default, trial, running = trials
    measurer = EmulatedMeasurer(default, running, lambda line: None)
    costs = measurer.costs(trial, running)
    assert list(costs) == list(trial.choices.tuned)
    poor, good = next(iter(costs.values()))
    assert poor > 1.5 * good
    gain = measurer.whole(lambda tuned: trial if tuned else default)
    assert gain.tuned - gain.default == pytest.approx(poor - good, rel=0.1)
    assert not gain.holds
    assert gain.unit == measurer.objective


def test_lines_to_memory_cost_cycles_and_without_plugins_there_is_no_objective() -> None:
    lines = 1e6
    beyond = cycles(1e6, Moved(written_back=lines)) - cycles(1e6, Moved())
    assert beyond == pytest.approx(lines * CORE.line_ns * CORE.clock_ghz)
    with pytest.raises(ToolMissing, match=r"loads no plugins.*install qemu-user$"):
        cycles(1e6, None)


def test_kernels_are_timed_on_a_device(
    trials: Trials, tracker: Tracker, phone: EmulatedPhone
) -> None:
    pool = TrackerDevicePool(TrackerDevice(f"tracker:{tracker.host}:{tracker.port}/{phone.key}"))
    default, trial, running = trials
    place = DeviceMeasurer(default, running, lambda line: None, pool, phone.name)
    assert place.places == 1
    costs = place.costs(trial, running)
    assert list(costs) == list(trial.choices.tuned)
    assert all(nanoseconds > 0 for pair in costs.values() for nanoseconds in pair)

    whole = place.whole(lambda tuned: trial if tuned else default)
    assert whole.low <= whole.ratio <= whole.high
    assert whole.ratio == pytest.approx(whole.tuned / whole.default)
    assert whole.unit == f"ms, emulated, {phone.name}"
    assert place.objective.startswith("nanoseconds of the kernel, cold caches, emulated, ")


def test_trials_are_spread_over_all_devices(
    network: Network, trials: Trials, bundle: Bundle, tmp_path: Path
) -> None:
    """Two phones of one tracker; one is lost while it measures, and its trial is not."""
    key = "emulated-two"
    used: list[str] = []
    with Tracker() as tracker, ExitStack() as stack:
        serving = {}
        for name in ("one", "two"):
            phone = EmulatedPhone(bundle)
            phone.key, phone.name = key, name
            serving[name] = stack.enter_context(ExitStack())
            serving[name].enter_context(phone.serve(tracker))
        pool = TrackerDevicePool(TrackerDevice(f"tracker:{tracker.host}:{tracker.port}/{key}"))

        class Watched(DeviceMeasurer):
            def _time_kernels(
                self, trial: Trial, session: Session, libraries: list[Path], device: str
            ) -> Mapping[str, tuple[float, float]]:
                with lock:
                    used.append(device)
                    if len(used) == 4:
                        serving[device].close()
                return super()._time_kernels(trial, session, libraries, device)

        lock = threading.Lock()
        journal = Journal(tmp_path, {})

        def place(default: Trial, running: Running) -> DeviceMeasurer:
            return Watched(default, running, lambda line: None, pool, "farm")

        tuning = Tuning(network, "tiny", place, journal, seed=0)
        assert tuning.measurer.places == 2
        assert tuning._round(False)
        assert tuning._round(False)
    assert set(used[:2]) == {"one", "two"}
    assert len(journal.rounds) == 4
    assert len(used) == 5
    assert not any(one.failed for each in journal.rounds for one in each.measured)
