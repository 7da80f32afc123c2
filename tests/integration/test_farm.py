"""Many artefacts, many phones: each artefact once, on one phone, whoever leaves meanwhile."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from android_rpc.bundle.bundle import Bundle
from android_rpc.devices.tracker_device import TrackerDevice, TrackerDevicePool
from android_rpc.session import open_session
from android_rpc.tracker.tracker import Tracker
from bench.accuracy.evaluate import measure_accuracy
from bench.measure.job_queue import Job, measure_all
from bench.measure.latency import Connect, measure_on_device
from bench.measure.request import MeasurementRequest
from bench.measure.sampling_plan import Sampling
from bench.models import load_model
from bench.records.record import Record, read_records
from bench.runtimes.onnxruntime_cpu import OnnxRuntimeCpu
from compile.artefact import Artefact
from compile.pipeline import compile_model
from depthnet.data import open_dataset
from depthnet.scoring import protocols
from depthnet.scoring.metrics import NAMES
from tests.integration.farm import serving, write_tiny

KEY = "emulated-farm"
PHONES = [f"phone-{letter}" for letter in "abcd"]
ARTEFACTS = 5
SHORT = Sampling(warmup=1, samples=3, seconds=0.0, sessions=2)

ProcessesWith = Callable[[str], list[psutil.Process]]


@pytest.fixture(scope="module")
def artefacts(tmp_path_factory: pytest.TempPathFactory) -> list[Artefact]:
    """1x1 convolutions whose weights tell them apart; depth is 1 m and more."""
    folder = tmp_path_factory.mktemp("farm")
    made = []
    for number in range(ARTEFACTS):
        path = write_tiny(folder / f"net{number}.onnx", number)
        made.append(compile_model(path, "arm64-a76", folder / f"net{number}-arm64-a76"))
    return made


def jobs_of(artefacts: list[Artefact]) -> list[Job]:
    return [Job(one, one.folder.parent / one.manifest["source"]["file"]) for one in artefacts]


@pytest.fixture(scope="module")
def farm(bundle: Bundle, processes_with: ProcessesWith) -> Iterator[Tracker]:
    """A tracker with four phones."""
    with Tracker() as tracker:
        with serving(bundle, tracker, PHONES, KEY):
            yield tracker
        assert processes_with(KEY) == []


def pool_at(tracker: Tracker, key: str = KEY) -> TrackerDevicePool:
    return TrackerDevicePool(TrackerDevice(f"tracker:{tracker.host}:{tracker.port}/{key}"))


def measure(job: Job, device: Any, connect: Connect, **options: Any) -> Record:
    return measure_on_device(
        MeasurementRequest(job.artefact, job.source, device, sampling=SHORT),
        connect=connect,
        **options,
    )


def models(records: list[Record]) -> list[str]:
    return sorted(record["model"] for record in records)


def test_the_sessions_of_a_measurement_are_with_one_device(farm: Tracker) -> None:
    """Three others are free all the time."""
    device = TrackerDevice(f"tracker:{farm.host}:{farm.port}/{KEY}")
    folders = set()
    with device.reach() as endpoint:
        for _ in range(4):
            with open_session(*endpoint) as session:
                path = session._connection.get_function("tvm.rpc.server.workpath")("x")
                folders.add(Path(path).parent.parent)
    assert len(folders) == 1
    assert device.name in PHONES


def free_at(tracker: Tracker) -> int:
    with tracker.client() as client:
        return int(client.summary()["queue_info"].get(KEY, {}).get("free", 0))


def test_a_device_that_was_taken_waits_for_its_first_session(
    farm: Tracker, wait_until: Callable[[Callable[[], object], float], float]
) -> None:
    """A server takes itself back from a client that asks for it and does not come."""
    device = TrackerDevice(f"tracker:{farm.host}:{farm.port}/{KEY}")
    device.take()
    try:
        with farm.client() as client:
            client.request(KEY, 5)
        wait_until(lambda: free_at(farm) == len(PHONES) - 2, 60)
        # Asked for later than ours, and taken back before.
        wait_until(lambda: free_at(farm) == len(PHONES) - 1, 60)
        with device.reach() as endpoint, open_session(*endpoint) as session:
            assert session.read_file("/proc/uptime")
    finally:
        device.lease.release()


def test_two_clients_share_four_phones(farm: Tracker, artefacts: list[Artefact]) -> None:
    records: list[list[Record]] = [[], []]

    def client(number: int) -> None:
        records[number] += measure_all(jobs_of(artefacts), pool_at(farm), measure)

    clients = [threading.Thread(target=client, args=(number,)) for number in range(2)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join(300)
    everything = [artefact.manifest["name"] for artefact in artefacts]
    for mine in records:
        assert models(mine) == everything
        assert all(record["valid"] for record in mine)
        assert all([len(one) for one in record["sessions"]] == [3, 3] for record in mine)
        assert all(record["kind"] == "emulated cost" for record in mine)
    used = {record["device"]["name"] for mine in records for record in mine}
    assert used == set(PHONES)


def test_every_artefact_on_every_device(farm: Tracker, artefacts: list[Artefact]) -> None:
    records = measure_all(jobs_of(artefacts[:2]), pool_at(farm), measure, everywhere=True)
    pairs = sorted((record["model"], record["device"]["name"]) for record in records)
    names = [artefact.manifest["name"] for artefact in artefacts[:2]]
    assert pairs == sorted((model, phone) for model in names for phone in PHONES)


def test_a_phone_that_leaves_gives_its_artefact_back_and_is_used_again(
    bundle: Bundle, artefacts: list[Artefact], processes_with: ProcessesWith
) -> None:
    key = "emulated-unsteady"
    kept: list[Record] = []
    lost: list[str] = []
    lock = threading.Lock()
    with Tracker() as tracker, ExitStack() as stack:
        stack.enter_context(serving(bundle, tracker, PHONES, key))

        def one(job: Job, device: Any, connect: Connect) -> Record:
            def on_sample(ms: float) -> None:
                with lock:
                    if not lost and device.name == PHONES[1]:
                        lost.append(job.artefact.manifest["name"])
                        for process in processes_with(key):
                            with suppress(psutil.NoSuchProcess):  # of a session that has ended
                                if any(f'"{device.name}"' in word for word in process.cmdline()):
                                    process.kill()

            return measure(job, device, connect, on_sample=on_sample, keep=kept.append)

        def come_back(line: str) -> None:
            if "goes back into the queue" in line:
                stack.enter_context(serving(bundle, tracker, [PHONES[1]], key))

        jobs = jobs_of(artefacts[:3])
        pool = pool_at(tracker, key)
        records = measure_all(jobs, pool, one, everywhere=True, progress=come_back)
        assert not any(job.failed for job in jobs)
    assert len(lost) == 1
    pairs = sorted((record["model"], record["device"]["name"]) for record in records)
    assert pairs == sorted((job.artefact.manifest["name"], name) for job in jobs for name in PHONES)
    (partial,) = [record for record in kept if not record["valid"]]
    assert partial["device"]["name"] == PHONES[1]
    assert partial["samples_ms"]
    assert partial["reasons"][0].startswith("stopped by an error")
    assert partial["id"] not in {record["id"] for record in records}
    assert processes_with(key) == []


def test_the_command_line(farm: Tracker, artefacts: list[Artefact], tmp_path: Path) -> None:
    folders = [str(artefact.folder) for artefact in artefacts[:3]]
    device = f"tracker:{farm.host}:{farm.port}/{KEY}"
    command = [sys.executable, "-m", "bench.cli", "rpc-measure", *folders, "--json"]
    scoring = ("--accuracy", "1", "--data", "rooms", "--protocol", "paper")
    done = subprocess.run(
        [*command, "--device", device, "--samples", "2", *scoring],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert models(document["records"]) == ["net0", "net1", "net2"]
    assert document["failed"] == []
    protocol, rooms = protocols.get("paper"), open_dataset("rooms", "test", 1)
    for record in document["records"]:
        source = artefacts[0].folder.parent / f"{record['model']}.onnx"
        with OnnxRuntimeCpu(source) as runtime:
            expected = measure_accuracy(load_model(source), runtime, rooms, protocol)
        for name in NAMES:
            assert record["accuracy"][name] == pytest.approx(expected[name], rel=1e-4)
        assert 0 <= record["accuracy"]["agreement"]["max_relative_difference"] <= 1e-4
    lines = (tmp_path / "out" / "records.jsonl").read_text().splitlines()
    assert sorted(json.loads(line)["id"] for line in lines) == sorted(
        record["id"] for record in document["records"]
    )


def test_ctrl_c_keeps_the_samples_and_frees_the_phones(
    farm: Tracker,
    artefacts: list[Artefact],
    tmp_path: Path,
    measuring: Callable[[Path], int],
    wait_until: Callable[[Callable[[], object], float], float],
) -> None:
    wait_until(lambda: free_at(farm) == len(PHONES), 60)
    file = tmp_path / "out" / "records.jsonl"
    folders = [str(artefact.folder) for artefact in artefacts[:2]]
    device = f"tracker:{farm.host}:{farm.port}/{KEY}"
    sampling = ("--samples", "1", "--seconds", "600", "--warmup", "0")
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.cli", "rpc-measure", *folders, "--device", device, *sampling],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(lambda: measuring(file) == len(folders) or process.poll() is not None, 120)
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "depthbench: interrupted"  # after lines of progress
    records = read_records(file)
    assert models(records) == ["net0", "net1"]
    assert all(record["samples_ms"] for record in records)
    assert all("interrupted" in record["reasons"] for record in records)
    wait_until(lambda: free_at(farm) == len(PHONES), 60)


def test_a_phone_is_served_at_a_tracker_until_ctrl_c(
    artefacts: list[Artefact], processes_with: ProcessesWith
) -> None:
    key = "emulated-served"
    with Tracker() as tracker:
        tracker_at = f"{tracker.host}:{tracker.port}"
        command = [sys.executable, "-m", "bench.cli", "rpc-serve", "--device", "emulated"]
        server = subprocess.Popen(
            [*command, "--tracker", tracker_at, "--key", key, "--name", "mine", "--threads", "2"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert server.stdout is not None
            said = server.stdout.readline()
            assert said.startswith(f"mine is at tracker:{tracker_at}/{key}"), server.communicate()
            (record,) = measure_all(jobs_of(artefacts[:1]), pool_at(tracker, key), measure)
        finally:
            server.send_signal(signal.SIGINT)
            _, errors = server.communicate(timeout=60)
    assert server.returncode == 130
    assert errors.splitlines()[-1] == "depthbench: interrupted"
    assert record["device"] == {"name": "mine", "emulated": True}
    assert record["conditions"]["threads"] == 2
    assert processes_with(key) == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--key", "arm64-a76"), "an emulated one with emulated"),
        (("--key", "a b"), "a key of letters"),
        (("--tracker", "nowhere"), "write HOST:PORT"),
        (("--listen", "0.0.0.0"), "give that which clients reach"),
    ],
)
def test_what_cannot_be_served(options: tuple[str, ...], says: str) -> None:
    command = [sys.executable, "-m", "bench.cli", "rpc-serve", "--device", "emulated", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
