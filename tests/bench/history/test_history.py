"""A model's history: which records are on one line, what jumped and where, and the gate's limit."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest

from bench.gates.latency_gate import judge_newest
from bench.history.history import build_history
from bench.history.history_table import render_csv
from bench.records.record import Record
from depthbench.errors import InputError

from .conftest import Checkout

At = Callable[..., Record]
Latencies = Callable[..., list[Record]]
NOWHERE = Path("/nonexistent")
STEADY = [60.0, 60.4, 59.8, 60.1, 60.3, 59.9]


def history(records: list[Record], model: str = "tiny", root: Path = NOWHERE) -> dict[str, Any]:
    built = build_history(records, model, root=root)
    json.dumps(built, allow_nan=False)
    return built


def lines(records: list[Record], topic: str) -> list[dict[str, Any]]:
    return [line for line in history(records)["lines"] if line["topic"] == topic]


def only(records: list[Record], topic: str) -> dict[str, Any]:
    (line,) = lines(records, topic)
    return line


@pytest.mark.parametrize(
    "changes",
    [
        *({"protocol": "paper"}, {"data": "rooms"}, {"split": "train"}, {"images": 16}),
        *({"runtime": "tvm"}, {"weights": "trained"}, {"flip": False}, {"input_size": [96, 96]}),
        {"conditions": {"precision": "int8"}},
    ],
)
def test_scores_of_different_measurements_are_on_lines_of_their_own(
    at: At, changes: dict[str, Any]
) -> None:
    found = lines([at(1, "accuracy"), at(2, "accuracy"), at(3, "accuracy", **changes)], "accuracy")
    assert sorted(len(line["runs"]) for line in found) == [1, 2]
    assert len({(line["subject"], line["details"]) for line in found}) == 2


@pytest.mark.parametrize(("images", "told"), [(1, "1 image"), (2, "2 images")])
def test_scores_say_of_how_many_images_they_are(at: At, images: int, told: str) -> None:
    line = only([at(1, "accuracy", images=images)], "accuracy")
    assert line["subject"].endswith(f", {told}")


@pytest.mark.parametrize(
    "changes",
    [
        *({"device": {"name": "other", "emulated": False}}, {"target": "host"}, {"quick": True}),
        *({"source": "demo"}, {"conditions": {"threads": 2}}, {"runtime": "ncnn"}),
        *({"conditions": {"precision": "fp16"}}, {"conditions": {"before": {"charging": True}}}),
    ],
)
def test_times_that_the_gate_does_not_compare_are_on_lines_of_their_own(
    at: At, changes: dict[str, Any]
) -> None:
    found = lines([at(1, "latency"), at(2, "latency"), at(3, "latency", **changes)], "latency")
    assert sorted(len(line["runs"]) for line in found) == [1, 2]
    assert len({(line["subject"], line["details"]) for line in found}) == 2


def test_estimates_for_different_cores_are_on_lines_of_their_own(at: At) -> None:
    record = at(1, "cost")
    other = deepcopy(at(2, "cost"))
    other["estimate"] |= {"core": "Snapdragon 855+", "clock_ghz": 2.96}
    found = lines([record, other], "estimated time")
    assert [line["details"] for line in found] == [
        "Raspberry Pi 5, 2.4 GHz",
        "Snapdragon 855+, 2.96 GHz",
    ]


def test_instructions_are_one_line_whatever_core_is_estimated_for(at: At) -> None:
    counts = (200_000_000, 200_100_000, 210_000_000)
    records = [at(day, "cost", instructions=count) for day, count in enumerate(counts)]
    records[1]["estimate"] = None
    records[2]["estimate"] |= {"core": "Snapdragon 855+"}
    records[2]["device"] |= {"core": "Snapdragon 855+"}
    (jump,) = only(records, "instructions")["jumps"]
    assert jump["shown"] == "200.1 M → 210.0 M"
    assert [len(line["runs"]) for line in lines(records, "estimated time")] == [1, 1]


def test_models_that_are_called_alike_are_named(at: At) -> None:
    records = [at(1, "cost", model=name) for name in ("net", "net-int8", "nets")]
    assert history(records, "net")["notes"][-1] == "histories of their own have net-int8"


def test_no_line_of_times_mixes_kinds(at: At) -> None:
    records = [at(1, kind) for kind in ("latency", "emulated cost", "unknown time")]
    assert len(only(records, "latency")["runs"]) == 1
    assert len(lines(records, "emulator's time")) == 2


def test_an_artefact_has_one_size_however_often_it_was_measured(at: At) -> None:
    first = [at(day, "latency", "a" * 40) for day in (1, 2, 3)]
    larger = {"artefact_bytes": 25_000_000, "artefact_sha256": "ef" * 32}
    line = only([*first, at(4, "cost", "b" * 40, **larger)], "artefact size")
    assert [run["shown"]["artefact_bytes"] for run in line["runs"]] == ["23.46 MB", "25.00 MB"]
    (jump,) = line["jumps"]
    assert jump["at"]["commit"] == "b" * 40
    assert jump["also"] == ["artefact"]


def test_the_limit_is_what_the_gate_says_of_each_run(latencies: Latencies) -> None:
    records = latencies([*STEADY, 60.2, 63.3])
    runs = only(records, "latency")["runs"]
    assert [run["limit_ms"] is None for run in runs] == [True] * 5 + [False] * 3
    for count in (6, 7, 8):
        (verdict,) = judge_newest(records[:count])
        assert verdict.regression is not None
        assert runs[count - 1]["limit_ms"] == min(verdict.regression.limits.values())


def test_a_slower_run_is_a_jump_at_its_commit_and_only_there(latencies: Latencies) -> None:
    line = only(latencies([*STEADY, 66.0, 66.2, 65.9]), "latency")
    (jump,) = line["jumps"]
    assert jump["at"]["commit"] == f"{7:040x}"
    assert jump["since"]["commit"] == f"{6:040x}"
    assert jump["rule"] == "slower by the gate's FAI-PEP and prediction interval"
    assert (jump["better"], jump["change"]) == (False, "+10.2%")


def test_a_faster_run_is_a_jump_too(latencies: Latencies) -> None:
    (jump,) = only(latencies([*STEADY, 54.0, 54.2, 53.9]), "latency")["jumps"]
    assert jump["at"]["commit"] == f"{7:040x}"
    assert jump["better"]


def test_a_slow_creep_is_slower_by_the_gate_and_no_jump(latencies: Latencies) -> None:
    line = only(latencies([*STEADY, 60.9, 61.8, 62.7]), "latency")
    assert [run["slower"] for run in line["runs"]][-2:] == [True, True]
    assert line["jumps"] == []


def test_where_the_gate_has_too_few_runs_only_a_large_change_is_a_jump(
    latencies: Latencies,
) -> None:
    line = only(latencies([60.0, 61.5, 120.0]), "latency")
    (jump,) = line["jumps"]
    assert jump["shown"] == "61.5 ms → 120 ms"
    assert "the gate has too few" in jump["rule"]
    assert line["why_no_limit"] == "not compared: 2 of 5 past runs under the same conditions"


def test_invalid_runs_are_shown_and_count_for_nothing(latencies: Latencies) -> None:
    bad = {"valid": False, "reasons": ["the screen was dark"]}
    records = latencies([*STEADY, 60.2, 90.0, 60.1])
    records[7] |= bad
    line = only(records, "latency")
    assert line["jumps"] == []
    assert line["invalid"] == 1
    run = line["runs"][7]
    assert (run["valid"], run["reasons"]) == (False, ["the screen was dark"])
    assert (run["limit_ms"], run["before"]) == (None, None)
    assert line["runs"][8]["before"] == records[6]["id"]
    without = only(records[:7] + records[8:], "latency")
    assert line["runs"][8]["limit_ms"] == without["runs"][7]["limit_ms"]


@pytest.mark.parametrize("p50", [None, nan, inf, 0.0, -1.0])
def test_a_valid_run_without_a_time_does_not_break_the_line(
    latencies: Latencies, p50: float | None
) -> None:
    records = latencies([*STEADY, 60.2])
    records[3] |= {"p50_ms": p50}
    line = only(records, "latency")
    assert line["runs"][-1]["values"]["p50_ms"] == 60.2


def test_accuracy_jumps_by_the_gates_tolerances(at: At) -> None:
    scores = [
        at(1, "accuracy", delta1=0.674, rmse=0.687),
        at(2, "accuracy", "b" * 40, delta1=0.673, rmse=0.691),
        at(3, "accuracy", "c" * 40, delta1=0.669, rmse=0.68),
    ]
    jumps = only(scores, "accuracy")["jumps"]
    assert [(j["name"], j["change"], j["better"], j["rule"]) for j in jumps] == [
        ("δ1", "-0.004", False, "allowed 0.002"),
        ("RMSE", "-0.011 m", True, "allowed 0.005"),
    ]


def test_a_jump_names_the_commit_and_those_between(at: At, checkout: Checkout) -> None:
    c = checkout.commits
    more = {"instructions": 250_000_000, "artefact_sha256": "ef" * 32}
    tools = {"conditions": {"tools": {"apache-tvm": "0.28"}}}
    was = at(1, "cost", c["a"], conditions={"tools": {"apache-tvm": "0.27"}})
    built = history([was, at(9, "cost", c["d"], dirty=True, **more, **tools)], root=checkout.root)
    jump = next(jump for jump in built["jumps"] if jump["figure"] == "instructions")
    assert jump["at"] == {"commit": c["d"], "dirty": True, "time": "2026-01-10T12:00:00+00:00"}
    assert (jump["since"]["commit"], jump["commits"]) == (c["a"], 3)
    assert jump["shown"] == "216.9 M → 250.0 M"
    assert jump["also"] == ["artefact", "apache-tvm 0.27 → 0.28"]


def test_branches_are_compared_with_the_code_that_they_come_from(
    at: At, checkout: Checkout
) -> None:
    c = checkout.commits
    counts = {"a": 200, "b": 200, "c": 210, "x": 180, "d": 210, "y": 180}
    records = [
        at(day, "cost", c[name], instructions=count * 10**6)
        for day, (name, count) in enumerate(counts.items(), start=1)
    ]
    built = history(records, root=checkout.root)
    (line,) = [one for one in built["lines"] if one["topic"] == "instructions"]
    before = {run["id"]: run["before"] for run in line["runs"]}
    ids = dict(zip(counts, (record["id"] for record in records), strict=True))
    assert before[ids["x"]] == before[ids["c"]] == ids["b"]
    assert (before[ids["d"]], before[ids["y"]]) == (ids["c"], ids["x"])
    assert {jump["id"] for jump in line["jumps"]} == {ids["c"], ids["x"]}


def test_runs_of_no_known_commit_are_told(at: At) -> None:
    commits = (None, "a" * 40, "b" * 40, "not a commit")
    built = history([at(day, "cost", commit) for day, commit in enumerate(commits)])
    assert built["notes"] == [
        "2 of 4 records are of no known commit: placed by date",
        "2 of 2 commits are not in this checkout: their runs are placed by date, and branches "
        "cannot be told apart",
    ]
    line = built["lines"][0]
    assert [run["commit"] for run in line["runs"]] == [None, "a" * 40, "b" * 40, None]


def test_flicker_of_one_video_is_a_line_that_jumps(at: At) -> None:
    shares = (0.02, 0.0201, 0.025)
    runs = [at(day, "flicker", f"{day:040x}", flicker=one) for day, one in enumerate(shares, 1)]
    other = at(4, "flicker", data="other.mp4", data_sha256="12" * 32)
    built = history([*runs, other])
    assert [line["topic"] for line in built["lines"]] == ["flicker", "flicker"]
    assert "clip.mp4, 1 pair of frames" in built["lines"][0]["subject"]
    assert [run["shown"]["flicker"] for run in built["lines"][0]["runs"]] == [
        *("2.00 %", "2.01 %", "2.50 %")
    ]
    (jump,) = built["jumps"]
    assert (jump["figure"], jump["better"], jump["rule"]) == ("flicker", False, "allowed 1.0%")


def test_calibrations_by_other_distances_are_on_lines_of_their_own(at: At) -> None:
    errors = (0.120, 0.122, 0.100)
    runs = [at(day, "calibration", left_out_mae_m=one) for day, one in enumerate(errors, 1)]
    moved = at(4, "calibration")
    moved["measured"][0]["metres"] = 3.0
    shifted = at(5, "calibration", fitted="scale and shift", left_out_mae_m=None)
    built = history([*runs, moved, shifted])
    assert sorted(len(line["runs"]) for line in built["lines"]) == [1, 1, 3]
    assert all("3 distances in 1 picture" in line["subject"] for line in built["lines"])
    (jump,) = built["jumps"]
    assert (jump["figure"], jump["better"]) == ("left_out_mae_m", True)
    assert jump["shown"] == "0.122 m → 0.100 m"
    assert "0.005" in jump["rule"]


def test_one_record_is_a_history_of_one_run(at: At) -> None:
    built = history([at(1, "cost")])
    assert built["jumps"] == []
    assert "one record only: there is nothing to compare it with yet" in built["notes"]


def test_an_unknown_model_is_bad_input_with_the_nearest(at: At) -> None:
    with pytest.raises(InputError, match="no record of 'tinny'; did you mean 'tiny'"):
        build_history([at(1, "cost")], "tinny")
    with pytest.raises(InputError, match="no record to show"):
        build_history([], "tiny")
    with pytest.raises(InputError, match="no figure that has a history in 1 record;"):
        build_history([at(1, "complexity")], "tiny")


def test_csv_has_a_line_a_run_and_figure_and_no_formula(at: At) -> None:
    evil = "=cmd()"
    records = [at(1, "accuracy", model=evil), at(2, "accuracy", model=evil, delta1=0.2)]
    head, *rows = render_csv(history(records, evil)).splitlines()
    assert head.startswith("model,topic,subject,details,figure,value")
    assert len(rows) == 6
    assert all(row.startswith("'=cmd()") for row in rows)
    (jumped,) = [row for row in rows if ",delta1,0.2," in row]
    assert ",True," in jumped
