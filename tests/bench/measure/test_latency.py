"""Measuring on a device that is a fake: what records say of it, and what ends it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from android_rpc.server_identity import Platform
from bench.accuracy.device_accuracy import Accuracy, accuracy_of
from bench.measure.latency import measure_on_device
from bench.measure.request import MeasurementRequest
from bench.measure.sampling_plan import EMULATED, Sampling
from bench.records.record import Record, append_record, read_records
from bench.stats.statistics import summarise
from compile.artefact import Artefact
from depthbench.errors import DeviceError, InputError
from depthnet.data import open_dataset
from tests.bench.measure.conftest import Compute, FakePhone, check_schema

Measure = Callable[..., Record]
SHORT = Sampling(warmup=2, samples=30, seconds=0, sessions=2)


def test_an_emulated_device_gives_a_cost_and_no_latency(
    measure: Measure, emulated: FakePhone, artefact: Artefact
) -> None:
    record = measure(emulated)
    assert record["kind"] == "emulated cost"
    assert record["label"] == "emulated cost, not latency"
    assert record["emulated"] is record["device"]["emulated"] is True
    assert record["quick"] is True
    assert (record["valid"], record["reasons"]) == (True, [])
    assert record["model"] == "tiny"
    assert record["target"] == "arm64-a76"
    assert record["artefact_sha256"] == artefact.sha256
    assert record["artefact_bytes"] == 100
    assert len(record["samples_ms"]) == EMULATED.samples
    assert record["p50_ms"] == summarise(record["samples_ms"])["p50"]
    low, high = record["intervals"]["p50_ms"]
    assert low <= record["p50_ms"] <= high
    assert record["warm_up_samples"] == [0]
    assert record["conditions"]["warmup"] == EMULATED.warmup
    check_schema(record)


@pytest.mark.parametrize(
    ("device_says", "server_says", "kind", "emulated"),
    [
        (True, "hardware", "emulated cost", True),
        (True, "unknown", "emulated cost", True),
        (False, "emulator", "emulated cost", True),
        (False, "unknown", "unknown time", None),
        (False, "hardware", "latency", False),
        (False, "virtual machine", "latency", False),
    ],
)
def test_device_and_server_together_say_what_a_time_is(
    measure: Measure,
    closed_form: Compute,
    device_says: bool,
    server_says: Platform,
    kind: str,
    emulated: bool | None,
) -> None:
    device = FakePhone(closed_form, emulated=device_says)
    device.platform = server_says
    record = measure(device, sampling=SHORT, quick=True)
    assert (record["kind"], record["emulated"]) == (kind, emulated)
    assert record["device"]["emulated"] is emulated
    assert record["label"].startswith("latency") == (kind == "latency")
    assert ("virtual machine" in record["label"]) == (server_says == "virtual machine")
    assert record["conditions"]["server"]["platform"] == server_says
    assert record["conditions"]["server"]["build"] == "fake"
    assert record["valid"] == (kind != "unknown time")
    assert ("clocks_mhz" in record["conditions"]["before"]) == (not emulated)
    check_schema(record)


def test_an_emulator_in_disguise_is_sampled_as_one(measure: Measure, phone: FakePhone) -> None:
    """Samples of it say no more when there are more of them, and take seconds each."""
    phone.platform = "emulator"
    record = measure(phone, changes={"samples": 7, "warmup": None})
    assert [len(session) for session in record["sessions"]] == [7]
    assert (record["kind"], record["valid"]) == ("emulated cost", True)
    assert record["conditions"]["sampling"]["warmup"] == EMULATED.warmup


def test_a_server_that_changes_what_it_is_is_unknown(measure: Measure, phone: FakePhone) -> None:
    def swap(record: Record) -> None:
        phone.platform = "virtual machine"

    record = measure(phone, sampling=SHORT, quick=True, so_far=swap)
    assert (record["kind"], record["valid"]) == ("unknown time", False)


def test_the_outputs_are_compared_with_onnxruntime(measure: Measure, emulated: FakePhone) -> None:
    agreement = measure(emulated)["agreement"]
    assert agreement["against"] == "onnxruntime"
    assert 0 <= agreement["max_relative_difference"] < 1e-6
    assert agreement["reference_std"] > 0.1


def test_a_device_gives_a_latency_from_every_session(measure: Measure, phone: FakePhone) -> None:
    record = measure(phone, quick=True, sampling=SHORT)
    assert (record["kind"], record["label"]) == ("latency", "latency")
    assert (record["valid"], record["quick"]) == (True, True)
    assert phone.sessions == len(record["sessions"]) == 2
    assert record["samples_ms"] == [ms for session in record["sessions"] for ms in session]
    assert record["count"] == 60
    conditions = record["conditions"]
    assert conditions["before"]["clocks_mhz"] == {"6": 2600.0}
    assert conditions["before"]["cores"] == [6]
    assert (conditions["threads"], conditions["precision"]) == (1, "fp32")
    check_schema(record)


def test_a_short_latency_that_nobody_called_quick_is_invalid(
    measure: Measure, phone: FakePhone
) -> None:
    record = measure(phone, sampling=SHORT)
    assert record["quick"] is True
    assert record["valid"] is False
    assert "the rule is" in record["reasons"][0]


def test_a_clock_that_drops_makes_a_latency_invalid(measure: Measure, phone: FakePhone) -> None:
    def throttle(ms: float) -> None:
        phone.clock_khz = 1_800_000

    record = measure(phone, quick=True, on_sample=throttle, sampling=SHORT)
    assert record["valid"] is False
    assert "from 2600 to 1800 MHz" in record["reasons"][0]


@pytest.mark.parametrize("error", [2e-4, 0.5, float("nan")])
def test_wrong_outputs_are_invalid_and_not_timed(
    measure: Measure, closed_form: Compute, error: float
) -> None:
    def wrong(image: np.ndarray) -> np.ndarray:
        depth = closed_form(image)
        depth.flat[3] += error * np.abs(depth).max()
        return depth

    device = FakePhone(wrong, emulated=True)
    kept: list[Record] = []
    record = measure(device, keep=kept.append)
    assert record["valid"] is False
    assert "onnxruntime" in " ".join(record["reasons"])
    assert record["samples_ms"] == []
    assert record["p50_ms"] is None
    assert kept == [record]
    assert device.inferences == 1


def test_a_later_session_that_disagrees_spoils_the_measurement(
    measure: Measure, closed_form: Compute
) -> None:
    device = FakePhone(closed_form, emulated=False)
    device.compute = lambda image: closed_form(image) * (1 + 0.01 * (device.sessions == 2))
    record = measure(device, quick=True, sampling=SHORT)
    assert record["valid"] is False
    assert record["agreement"]["max_relative_difference"] == pytest.approx(0.01, rel=1e-3)
    assert len(record["samples_ms"]) == SHORT.samples


def test_the_session_that_agrees_least_is_recorded(measure: Measure, closed_form: Compute) -> None:
    device = FakePhone(closed_form, emulated=False)
    device.compute = lambda image: closed_form(image) * (1 + 5e-5 * (device.sessions == 1))
    record = measure(device, quick=True, sampling=SHORT)
    assert record["valid"] is True
    assert record["agreement"]["max_relative_difference"] == pytest.approx(5e-5, rel=0.02)


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (KeyboardInterrupt(), "interrupted"),
        (
            DeviceError("device fake: timing: lost"),
            "stopped by an error: device fake: timing: lost",
        ),
    ],
)
def test_what_was_measured_before_the_end_is_kept(
    measure: Measure, phone: FakePhone, tmp_path: Path, failure: BaseException, reason: str
) -> None:
    told: list[float] = []
    path = tmp_path / "records.jsonl"
    phone.fail_after, phone.failure = 50, failure
    with pytest.raises(type(failure)):
        measure(
            phone,
            quick=True,
            on_sample=told.append,
            keep=lambda record: append_record(path, record),
            sampling=SHORT,
        )
    (record,) = read_records(path)
    assert record["valid"] is False
    assert record["reasons"][0] == reason
    assert record["samples_ms"] == told
    assert len(told) >= SHORT.samples
    assert record["p50_ms"] == summarise(told)["p50"]
    assert (phone.sessions_open, phone.connections) == (0, 0)


@pytest.fixture
def scored(artefact: Artefact, tiny_onnx: Path) -> Accuracy:
    return accuracy_of(artefact, tiny_onnx, open_dataset("rooms", "test", 1), "paper")


def test_what_is_timed_is_scored_too(
    measure: Measure, emulated: FakePhone, scored: Accuracy
) -> None:
    record = measure(emulated, sampling=EMULATED.but(sessions=2), accuracy=scored)
    assert (record["valid"], record["reasons"]) == (True, [])
    scores = record["accuracy"]
    assert (scores["protocol"], scores["data"], scores["images"]) == ("paper", "rooms", 1)
    assert scores["runtime"] == "tvm-rpc"
    assert scores["rmse"] > 0
    assert len(record["sessions"]) == emulated.sessions == 2
    json.dumps(record, allow_nan=False)


def test_scores_that_differ_make_the_record_invalid(
    measure: Measure, closed_form: Compute, scored: Accuracy
) -> None:
    device = FakePhone(closed_form, emulated=True)
    timed = EMULATED.samples

    def later_wrong(image: np.ndarray) -> np.ndarray:
        return closed_form(image) * (1 + 0.01 * (device.inferences > timed))

    device.compute = later_wrong
    record = measure(device, accuracy=scored)
    assert record["agreement"]["max_relative_difference"] < 1e-6
    (reason,) = record["reasons"]
    assert "over 1 image is 1.0e-02 relative (limit 1e-04)" in reason


def test_nothing_is_kept_of_what_never_began(measure: Measure, phone: FakePhone) -> None:
    phone.fail_after = 0
    kept: list[Record] = []
    with pytest.raises(KeyboardInterrupt):
        measure(phone, keep=kept.append)
    assert kept == []
    assert (phone.sessions_open, phone.connections) == (0, 0)


def test_impossible_times_are_kept_as_null_and_invalid(
    measure: Measure, closed_form: Compute
) -> None:
    device = FakePhone(closed_form, emulated=True, seconds=float("inf"))
    record = measure(device)
    assert record["samples_ms"] == [None] * EMULATED.samples
    assert record["p50_ms"] is None
    assert record["reasons"] == ["5 samples are not positive finite times"]
    json.dumps(record, allow_nan=False)


def test_an_artefact_of_another_model_is_refused(
    artefact: Artefact, emulated: FakePhone, tiny_onnx: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.onnx"
    model = onnx.load(tiny_onnx)
    model.doc_string = "other"
    onnx.save(model, other)
    with pytest.raises(InputError, match="compiled from another file"):
        measure_on_device(MeasurementRequest(artefact, other, emulated), connect=emulated.connect)
    with pytest.raises(InputError, match="no such file"):
        measure_on_device(
            MeasurementRequest(artefact, tmp_path / "none", emulated), connect=emulated.connect
        )
    assert emulated.sessions == 0


def test_progress_names_each_step_on_one_line(measure: Measure, emulated: FakePhone) -> None:
    lines: list[str] = []
    measure(emulated, progress=lines.append)
    assert len(lines) >= 4
    assert all(line and "\n" not in line for line in lines)


def test_a_phone_that_was_hot_after_an_earlier_session_is_not_believed(
    measure: Measure, phone: FakePhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    battery_c = iter([30.0, 45.0, 30.0])  # before, after the first session, after the second
    monkeypatch.setattr(phone, "conditions", lambda: {"battery_c": next(battery_c)})
    record = measure(phone, quick=True, sampling=SHORT)
    assert "the battery was at 45.0 °C (limit 37 °C)" in record["reasons"]
    assert record["conditions"]["after"]["battery_c"] == 30.0


def test_what_there_is_so_far_is_told_as_it_comes(measure: Measure, emulated: FakePhone) -> None:
    told: list[Record] = []
    record = measure(emulated, sampling=SHORT, so_far=told.append)
    assert [len(one["samples_ms"]) for one in told] == sorted({len(r["samples_ms"]) for r in told})
    assert told[-1]["sessions"] == record["sessions"]
    assert all("was killed" in one["reasons"][0] and not one["valid"] for one in told)
