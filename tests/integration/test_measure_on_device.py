"""A small model, compiled, sent through a tracker to an emulated phone, compared and timed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import psutil
import pytest
from onnx import TensorProto, helper, numpy_helper

from android_rpc.bundle.bundle import Bundle
from android_rpc.devices.emulated import EmulatedPhone
from android_rpc.devices.tracker_device import TrackerDevice
from android_rpc.tracker.tracker import Tracker
from bench.measure.latency import measure_on_device
from bench.measure.request import MeasurementRequest
from bench.measure.sampling_plan import EMULATED
from bench.records.record import Record, append_record, read_records
from compile.artefact import Artefact
from compile.pipeline import compile_model
from depthbench.errors import DeviceError

ProcessesWith = Callable[[str], list[psutil.Process]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 3x3 and a 1x1 convolution, with a ReLU between them."""
    random = np.random.default_rng(0)
    constants = {
        "w": random.normal(size=(8, 3, 3, 3)).astype(np.float32),
        "v": random.normal(size=(1, 8, 1, 1)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Conv", ["r", "v"], ["depth"]),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 16, 24])],
        [helper.make_tensor_value_info("depth", TensorProto.FLOAT, [1, 1, 16, 24])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    path = tmp_path_factory.mktemp("model") / "small.onnx"
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), path)
    return path


@pytest.fixture(scope="module")
def artefact(model: Path) -> Artefact:
    return compile_model(model, "arm64-a76", model.parent / "small-arm64-a76")


def test_every_operator_is_timed_where_it_runs(
    artefact: Artefact, model: Path, bundle: Bundle
) -> None:
    phone = EmulatedPhone(bundle)
    record = measure_on_device(
        MeasurementRequest(artefact, model, phone, sampling=EMULATED.but(samples=3), profile=True)
    )
    profile = record["profile"]
    *kernels, rest = profile["operators"]
    assert [row["name"] for row in kernels]
    assert {row["name"] for row in kernels} <= {k["name"] for k in artefact.manifest["kernels"]}
    assert rest["name"] == "virtual machine"
    assert sum(row["macs"] for row in profile["operators"]) == 16 * 24 * 8 * (27 + 1)
    image, hidden, depth = 3 * 16 * 24, 8 * 16 * 24, 16 * 24
    assert sum(row["bytes"] for row in kernels) >= 4 * (image + 2 * hidden + depth)
    assert all(row["ms"] > 0 for row in profile["operators"])
    # An emulated machine beside other tests: what it measures is not exact.
    assert 0.1 < profile["sum_ms"] / profile["whole_ms"] < 10
    assert profile["peak_gflops"] > 0
    assert profile["peak_gbytes_s"] is None
    assert record["label"] == "emulated cost, not latency"


def test_the_arm64_code_agrees_with_onnxruntime(
    artefact: Artefact, model: Path, bundle: Bundle, processes_with: ProcessesWith
) -> None:
    phone = EmulatedPhone(bundle)
    record = measure_on_device(
        MeasurementRequest(artefact, model, phone, sampling=EMULATED.but(samples=3, sessions=2))
    )
    assert (record["valid"], record["reasons"]) == (True, [])
    assert record["kind"] == "emulated cost"
    assert record["emulated"] is True
    assert [len(session) for session in record["sessions"]] == [3, 3]
    assert 0 < record["agreement"]["max_relative_difference"] <= 1e-4
    assert record["agreement"]["reference_std"] > 0.01
    assert record["conditions"]["before"]["cpu_model"] == "cortex-a76"
    assert processes_with(phone.key) == []


class Disguised(EmulatedPhone):
    """An emulated phone that calls itself a device, as one that somebody starts by hand may."""

    name = "my-board"
    emulated = False

    def about(self) -> dict[str, Any]:
        return {"name": self.name, "threads": 1}


def test_no_emulated_time_is_a_latency_whoever_started_the_server(
    artefact: Artefact, model: Path, bundle: Bundle, tracker: Tracker
) -> None:
    phone = Disguised(bundle)
    phone.key = "arm64-a76"
    few = EMULATED.but(samples=3)
    with phone.serve(tracker):
        elsewhere = TrackerDevice(f"tracker:{tracker.host}:{tracker.port}/{phone.key}")
        record = measure_on_device(MeasurementRequest(artefact, model, elsewhere, sampling=few))
    assert not elsewhere.emulated
    assert record["device"] == {"name": "my-board", "emulated": True}
    assert (record["kind"], record["emulated"]) == ("emulated cost", True)
    assert record["label"] == "emulated cost, not latency"
    assert record["conditions"]["server"]["platform"] == "emulator"
    assert record["conditions"]["before"]["emulated"] is True


@pytest.mark.parametrize("kill", [False, True])
def test_an_early_end_keeps_the_samples_and_leaves_no_process(
    kill: bool,
    artefact: Artefact,
    model: Path,
    bundle: Bundle,
    processes_with: ProcessesWith,
    tmp_path: Path,
) -> None:
    phone = EmulatedPhone(bundle)
    path = tmp_path / "records.jsonl"
    told: list[float] = []

    def end_after_three(ms: float) -> None:
        told.append(ms)
        if len(told) == 3 and not kill:
            raise KeyboardInterrupt
        if len(told) == 3:
            for process in processes_with(phone.key):
                process.kill()

    def keep(record: Record) -> None:
        append_record(path, record)

    with pytest.raises(DeviceError if kill else KeyboardInterrupt):
        measure_on_device(
            MeasurementRequest(artefact, model, phone, sampling=EMULATED.but(samples=20_000)),
            on_sample=end_after_three,
            keep=keep,
        )
    (record,) = read_records(path)
    assert record["valid"] is False
    assert record["reasons"][0].startswith("stopped by an error" if kill else "interrupted")
    assert record["samples_ms"] == told
    assert processes_with(phone.key) == []
