"""Trials of a tiny network on the emulated phone: by cost, and by its clock over RPC."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from android_rpc.emulated import EmulatedPhone as Phone
from android_rpc.session import open_session
from android_rpc.tracker import Tracker
from bench.tuning.emulated import EmulatedPhone
from bench.tuning.on_device import OnDevice
from compile import targets
from compile.frontend import load_model
from compile.precision import FP32
from compile.tuning.network import Network, Trial
from compile.tuning.running import Running


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
def trials(network: Network) -> tuple[Trial, Trial, Running]:
    """By formula; with the narrowest and shortest tile for the 1x1 convolution; its twin here."""
    formula = network.build({})
    name = next(one for one in formula.choices.asked if one.startswith("pointwise"))
    tile = next(one for one in formula.choices.asked[name]["tile"] if one.startswith("1x1x4"))
    return formula, network.build({name: {"tile": tile}}), Running(formula, network.source, 1)


def test_cost_under_emulation_tells_a_poor_tile(trials) -> None:
    formula, trial, running = trials
    costs = EmulatedPhone(formula, running, lambda line: None).costs(trial, running)
    assert list(costs) == list(trial.choices.tuned)
    poor, good = next(iter(costs.values()))
    assert poor > 1.5 * good


def test_kernels_are_timed_on_a_device(trials, tracker: Tracker, phone: Phone) -> None:
    def session():
        return open_session(tracker.host, tracker.port, phone.key)

    formula, trial, running = trials
    place = OnDevice(formula, running, lambda line: None, session, phone.name)
    costs = place.costs(trial, running)
    assert list(costs) == list(trial.choices.tuned)
    assert all(nanoseconds > 0 for pair in costs.values() for nanoseconds in pair)

    whole = place.whole(lambda tuned: trial if tuned else formula)
    assert whole.low <= whole.ratio <= whole.high
    assert whole.ratio == pytest.approx(whole.tuned / whole.formula)
