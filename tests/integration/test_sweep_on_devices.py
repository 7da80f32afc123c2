"""A sweep whose cells are timed on phones that a tracker lends, and that may leave."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from android_rpc.bundle.bundle import Bundle
from android_rpc.devices import tracker_device
from android_rpc.tracker.tracker import Tracker
from bench.records.record import read_records
from bench.sweep.executors.local import LocalExecutor
from bench.sweep.plan.checks import check_plan
from bench.sweep.plan.plan import read_plan
from bench.sweep.session import Session, carry_out, open_session
from depthbench.progress import Progress
from tests.integration.farm import serving, write_tiny

STEADY, UNSTEADY = "emulated-steady", "emulated-unsteady"
PHONES = ["phone-a", "phone-b"]
MODELS = 3

ProcessesWith = Callable[[str], list[psutil.Process]]


@pytest.fixture(scope="module")
def tracker(bundle: Bundle, processes_with: ProcessesWith) -> Iterator[Tracker]:
    """One that lends two phones with the steady key."""
    with Tracker() as tracker:
        with serving(bundle, tracker, PHONES, STEADY):
            yield tracker
        assert processes_with(STEADY) == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some models."""
    folder = tmp_path_factory.mktemp("sweep")
    for number in range(MODELS):
        write_tiny(folder / f"net{number}.onnx", number)
    return folder


def session(folder: Path, tracker: Tracker, *keys: str, out: str) -> Session:
    """A sweep of all models on the phones with these keys."""
    values: dict[str, Any] = {
        "models": [{"model": f"net{number}.onnx"} for number in range(MODELS)],
        "devices": [f"tracker:{tracker.host}:{tracker.port}/{key}" for key in keys],
        "score": False,
        "measure": {"quick": True},
    }
    plan, faults = read_plan(None, values, {})
    assert plan is not None
    checked = check_plan(plan, folder, faults)
    assert not faults.found
    return open_session(checked, folder / out, folder / out / "told")


def run(session: Session, progress: Progress = lambda line: None) -> list[Any]:
    """The rows of its cells, once it has been carried out with a local worker."""
    sweep, _ = carry_out(session, lambda scratch: LocalExecutor(1, scratch), progress=progress)
    rows: list[Any] = session.document(sweep)["cells"]
    return rows


def ended(session: Session, kind: str) -> Counter[str]:
    """How often each step of a kind has ended, and how."""
    lines = map(json.loads, (session.folder / "log.jsonl").read_text().splitlines())
    return Counter(f"{line['key']} {line['ended']}" for line in lines if line["kind"] == kind)


@pytest.fixture(scope="module")
def compiled(folder: Path, tracker: Tracker) -> Session:
    """The sweep on the steady phones, carried out: local workers compile for them."""
    whole = session(folder, tracker, STEADY, out="steady")
    run(whole)
    return whole


def test_two_phones_share_what_local_workers_compile(compiled: Session) -> None:
    rows = compiled.document(compiled.sweep())["cells"]
    assert [row["state"] for row in rows] == ["done"] * MODELS
    assert {row["label"] for row in rows} == {"emulated cost, not latency"}
    assert not any("ms" in row["figures"] for row in rows)
    records = read_records(compiled.folder / "records.jsonl")
    assert [record["model"] for record in records] == [f"net{n}" for n in range(MODELS)]
    assert {record["device"]["name"] for record in records} == set(PHONES)
    assert all(record["agreement"]["max_relative_difference"] <= 1e-4 for record in records)
    for kind in ("compile", "measure"):
        assert list(ended(compiled, kind).values()) == [1] * MODELS


def test_a_phone_that_is_lost_fails_its_cells_alone_and_the_same_again_completes_them(
    folder: Path,
    tracker: Tracker,
    compiled: Session,
    bundle: Bundle,
    processes_with: ProcessesWith,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(compiled.store.root, folder / "both/sweep")
    for task in compiled.tasks.values():
        if task.kind == "measure":
            shutil.rmtree(folder / "both/sweep" / task.key)
    both = session(folder, tracker, UNSTEADY, STEADY, out="both")

    def leave(line: str) -> None:
        if line == "starting leaver":
            for process in processes_with(UNSTEADY):
                process.kill()

    monkeypatch.setattr(tracker_device, "PATIENCE_S", 0.0)
    with serving(bundle, tracker, ["leaver"], UNSTEADY):
        rows = run(both, leave)
    states = {(row["model"], row["device"].rpartition("/")[2]): row["state"] for row in rows}
    models = [f"net{number}" for number in range(MODELS)]
    assert {model: states[model, STEADY] for model in models} == dict.fromkeys(models, "done")
    assert {model: states[model, UNSTEADY] for model in models} == dict.fromkeys(models, "failed")
    assert all("no device has the key" in row["why"][0] for row in rows if row["why"])
    told = read_records(both.folder / "records.jsonl")
    assert Counter(one["kind"] for one in told) == {"emulated cost": MODELS, "failed cell": MODELS}
    failed = [one for one in told if one["kind"] == "failed cell"]
    assert {step["step"] for one in failed for step in one["failed"]} == {"measure"}

    with serving(bundle, tracker, ["leaver"], UNSTEADY):
        rows = run(both)
    assert {row["state"] for row in rows} == {"done"}
    done = {key: n for key, n in ended(both, "measure").items() if key.endswith(" done")}
    assert list(done.values()) == [1] * 2 * MODELS
    assert not ended(both, "compile")
    assert {one["kind"] for one in read_records(both.folder / "records.jsonl")} == {"emulated cost"}
