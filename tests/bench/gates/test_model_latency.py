"""Latencies of one's own model: each device by itself, against the baseline's runs there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.gates.cost_figures import latency_figures
from bench.gates.model_baseline import PastRun
from bench.gates.model_latency import judge_runs, runs_of
from bench.models import Model, load_model
from bench.records.record import Record
from bench.stats.regression import LEAST_RUNS, MOST_RUNS

Make = Callable[..., Record]
STEADY = [60.0, 60.4, 59.8, 60.1, 60.3]


@pytest.fixture
def model(tiny_onnx: Path) -> Model:
    return load_model(tiny_onnx)


@pytest.fixture
def runs(make_record: Make, model: Model) -> Callable[..., list[Record]]:
    """Latencies of the model's file, an hour apart, from a day on."""

    def make(medians: list[float], day: int = 1, **changes: Any) -> list[Record]:
        changes = {"model_sha256": model.sha256, **changes}
        made = [make_record("latency", p50_ms=p50, p90_ms=p50 * 1.02, **changes) for p50 in medians]
        return [
            {**record, "time": f"2026-01-{day:02}T{hour:02}:00:00+00:00"}
            for hour, record in enumerate(made)
        ]

    return make


def kept(records: list[Record], model: Model) -> list[PastRun]:
    """What a baseline holds, through its file."""
    told = json.dumps([run.model_dump() for run in runs_of(records, model)])
    return [PastRun.model_validate(one) for one in json.loads(told)]


Runs = Callable[..., list[Record]]


@pytest.mark.parametrize(("last", "verdict"), [(60.2, "good"), (66.0, "FAILED"), (40.0, "good")])
def test_the_newest_run_is_held_to_the_baselines(
    runs: Runs, model: Model, last: float, verdict: str
) -> None:
    past = kept(runs(STEADY), model)
    (figure,) = latency_figures(
        judge_runs(past, runs([50.0, last], day=2), model, "old name"), "", ""
    )
    assert (figure.verdict, figure.now) == (verdict, last)
    assert figure.was == pytest.approx(60.1)
    assert figure.change == pytest.approx(last / 60.1 - 1)
    assert "phone, arm64-a76, fp32" in figure.name


def test_devices_and_what_was_chosen_are_never_mixed(
    runs: Runs, model: Model, make_record: Make
) -> None:
    conditions = {**make_record("latency")["conditions"], "precision": "fp16"}
    kinds: list[dict[str, Any]] = [
        {},
        {"device": {"name": "board", "emulated": False}},
        {"conditions": conditions},
    ]
    scale = (1.0, 3.0, 0.5)
    before, later = [], []
    for factor, kind in zip(scale, kinds, strict=True):
        before += runs([ms * factor for ms in STEADY], **kind)
        later += runs([66.0 * factor if kind == kinds[1] else 60.0 * factor], day=2, **kind)
    verdicts = judge_runs(kept(before, model), [*before, *reversed(later)], model, model.name)
    found = {figure.name: figure for figure in latency_figures(verdicts, "", "")}
    failed = [name for name, figure in found.items() if figure.failed]
    assert len(found) == len(kinds)
    assert len(failed) == 1
    assert "board" in failed[0]
    assert sorted(round(figure.was or 0.0, 2) for figure in found.values()) == [30.05, 60.1, 180.3]


def test_runs_of_other_files_and_kinds_do_not_count(runs: Runs, model: Model) -> None:
    others = runs([90.0], model_sha256="00" * 32)
    emulated = [{**record, "kind": "emulated cost"} for record in runs([90.0])]
    invalid = runs([90.0], valid=False, reasons=["throttled"])
    assert runs_of([*others, *emulated, *invalid], model) == []
    past = kept(runs(STEADY), model)
    (verdict,) = judge_runs(past, [*others, *emulated], model, model.name)
    assert verdict.regression is None
    assert verdict.why == f"no run of {model.file} there"


def test_the_baselines_own_runs_are_not_judged(runs: Runs, model: Model) -> None:
    records = runs(STEADY)
    (verdict,) = judge_runs(kept(records, model), records, model, model.name)
    assert verdict.why == "no run since the baseline's own"


def test_a_device_that_the_baseline_lacks_is_not_judged(runs: Runs, model: Model) -> None:
    past = kept(runs(STEADY), model)
    other = runs([90.0], device={"name": "board", "emulated": False})
    why = {verdict.subject: verdict.why for verdict in judge_runs(past, other, model, model.name)}
    assert [f"0 of {LEAST_RUNS} past runs" in text for text in why.values()] == [False, True]


def test_of_a_long_history_the_last_runs_are_kept(runs: Runs, model: Model) -> None:
    records = runs([60.0] * 24) + runs([61.0] * 5, day=2)
    found = [run.p50_ms for run in kept(records, model)]
    assert found == [60.0] * (MOST_RUNS - 5) + [61.0] * 5
