"""The record that the library writes is one that reports read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.records.record import read_records
from bench.stats.statistics import summarise
from bench.stats.warm_up import warm_up_length
from depthbench.processes import run_program
from tests.compile.package.stub_package import HERE, IDENTITY, StubNetwork, build, expected

BAD_ARGUMENT, BAD_BUFFER = 1, 3
CAPACITY = 1 << 20


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("stub"))


@pytest.fixture
def network(library: Path) -> Iterator[StubNetwork]:
    made = StubNetwork(library)
    yield made
    made.close()


def record_of(network: StubNetwork, times: np.ndarray, folder: Path) -> dict[str, Any]:
    status, text, length = network.record(3, times, CAPACITY)
    assert status == 0, network.error
    assert length == len(text.encode())
    file = folder / "app.jsonl"
    file.write_text(text + "\n")
    (record,) = read_records(file)
    return record


def test_a_benchmark_becomes_a_record(network: StubNetwork, tmp_path: Path) -> None:
    status, times = network.benchmark(3, 50)
    assert status == 0
    assert (times >= 0).all()
    record = record_of(network, times, tmp_path)
    assert record["source"] == "app"
    assert record["model"] == IDENTITY["name"]
    assert record["card"] == IDENTITY["card"]
    assert record["conditions"]["sampling"] == {
        **{"warmup": 3, "samples": 50, "seconds": 0.0, "sessions": 1}
    }
    assert record["conditions"]["precision"] == "fp32"
    assert record["conditions"]["threads"] == 1
    assert record["samples_ms"] == record["sessions"][0]
    np.testing.assert_allclose(record["samples_ms"], times, rtol=1e-13)
    made = datetime.fromisoformat(record["time"])
    assert abs(datetime.now(UTC) - made) < timedelta(minutes=5)
    agreement = record["agreement"]
    assert agreement["max_relative_difference"] == 0
    assert agreement["reference_std"] == pytest.approx(float(expected().std()))
    assert record["kind"] == "latency"  # tests run on hardware or in a virtual machine


@pytest.mark.parametrize("seed", range(6))
def test_its_statistics_are_those_of_the_report(
    network: StubNetwork, tmp_path: Path, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    times = rng.gamma(5, 7, size=int(rng.integers(1, 400)))
    times[: len(times) // 5] *= 1.5
    network.benchmark(0, 1)
    record = record_of(network, times, tmp_path)
    for name, value in summarise(times.tolist()).items():
        found = record[name if name in ("cv", "count") else f"{name}_ms"]
        assert found is value is None or found == pytest.approx(value, rel=1e-12), name
    assert record["warm_up_samples"] == [warm_up_length(times.tolist())]


REASONS = {
    "the coefficient of variation is": [10.0, 20.0] * 20,
    "the first 20 samples of session 1 are 20.0% above the rest": [12.0] * 20 + [10.0] * 40,
    "1 samples are not positive finite times": [10.0] * 30 + [np.inf],
    "fewer than two samples": [10.0],
}


@pytest.mark.parametrize(("reason", "times"), REASONS.items())
def test_it_says_why_it_is_not_valid(
    network: StubNetwork, tmp_path: Path, reason: str, times: list[float]
) -> None:
    network.benchmark(0, 1)
    record = record_of(network, np.array(times), tmp_path)
    assert not record["valid"]
    assert any(one.startswith(reason) for one in record["reasons"]), record["reasons"]
    network.benchmark(0, 1)
    steady = record_of(network, np.array([10.0, 10.1] * 20), tmp_path)
    assert steady["valid"]
    assert not steady["reasons"]


def test_times_without_a_benchmark_are_not_valid(network: StubNetwork, tmp_path: Path) -> None:
    record = record_of(network, np.array([10.0, 10.1] * 20), tmp_path)
    assert record["reasons"] == ["the times are of no benchmark of this network"]


@pytest.mark.parametrize(
    ("values", "reason"),
    [(expected() + 0.01, "the outputs differ from"), (expected() * 0 + 1, "the outputs differ")],
)
def test_outputs_that_differ_are_not_valid(tmp_path: Path, values: np.ndarray, reason: str) -> None:
    network = StubNetwork(build(tmp_path, values=values))
    network.benchmark(0, 1)
    record = record_of(network, np.array([10.0, 10.1] * 20), tmp_path)
    network.close()
    assert not record["valid"]
    assert record["reasons"][0].startswith(reason)
    assert (record["agreement"]["reference_std"] == 0) == any(
        "is constant" in one for one in record["reasons"]
    )


def test_its_length_is_told_where_there_is_no_room(network: StubNetwork) -> None:
    times = network.benchmark(1, 20)[1]
    status, _, length = network.record(1, times, 0)
    assert status == BAD_BUFFER
    status, text, _ = network.record(1, times, length)  # without room for the end
    assert status == BAD_BUFFER
    status, text, _ = network.record(1, times, length + 1)
    assert status == 0
    assert json.loads(text)["count"] == 20


def test_nonsense_is_refused(network: StubNetwork) -> None:
    assert network.benchmark(-1, 3)[0] == BAD_ARGUMENT
    assert network.error == "-1 warm-ups and 3 runs: at least 0 and 1"
    assert network.benchmark(0, 0)[0] == BAD_ARGUMENT
    assert network.record(-1, np.ones(3), 9)[0] == BAD_ARGUMENT


def test_under_emulation_it_claims_no_latency(tmp_path: Path) -> None:
    words = ("-target", "aarch64-linux-musl", "-static", "-mno-outline-atomics")
    program = build(tmp_path, words, [HERE / "stub_record.c"])
    done = run_program(["qemu-aarch64-static", str(program), "20"], "the program fails")
    record = json.loads(done.output)
    assert (record["kind"], record["emulated"]) == ("emulated cost", True)
    assert record["label"] == "emulated cost, not latency"
    assert record["device"]["name"] == "an emulator"
    assert {"machine", "program"} <= set(record["conditions"]["server"]["signs"])
