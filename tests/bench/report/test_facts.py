"""What a report gathers: summary, charts, times, operators, against what is known of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.records.record import Record
from bench.report.csv_table import render_csv
from bench.report.over_time import MOST_POINTS, temperatures, thin_sessions
from bench.report.pareto import mark_best, paper_points
from bench.report.report import build_report
from bench.report.roofline import build_roofline

Make = Callable[..., Record]
places = st.tuples(st.floats(1, 100), st.floats(0, 1))


def test_a_row_of_the_summary_has_everything(everything: list[Record]) -> None:
    timed, emulated = build_report(everything)["summary"]
    assert timed["latency_ms"] == {"p50_ms": 61.5, "p90_ms": 63.0, "p99_ms": 64.0}
    assert (timed["ms"], timed["low_ms"], timed["high_ms"]) == (61.5, 61.2, 61.9)
    assert (timed["place"], timed["estimated"], timed["sustained_fps"]) == ("phone", False, 10.0)
    assert (timed["device"], timed["conditions"]) == ("phone", "arm64-a76, fp32, 1 thread")
    assert (timed["weights_m"], timed["macs_g"]) == (5.8216, 0.6987)
    assert (timed["size_bytes"], timed["memory_bytes"]) == (23_456_789, 27_000_000)
    assert [score["protocol"] for score in timed["accuracy"]] == ["paper", "eigen"]
    assert emulated["latency_ms"] is None
    assert emulated["memory_bytes"] is None


def test_an_estimate_takes_the_place_of_an_emulators_time_and_of_no_latency(
    everything: list[Record], make_record: Make
) -> None:
    timed, emulated = build_report(everything)["summary"]
    assert timed["model"] == "mobiledepth"
    assert (emulated["ms"], emulated["low_ms"], emulated["high_ms"]) == (41.25, 38.2, 45.0)
    assert (emulated["place"], emulated["estimated"]) == ("Raspberry Pi 5, 2.4 GHz", True)
    (real,) = build_report([make_record("cost"), make_record("latency")])["summary"]
    assert (real["ms"], real["place"], real["estimated"]) == (61.5, "phone", False)
    (alone,) = build_report([make_record("cost", estimate=None)])["summary"]
    assert (alone["ms"], alone["place"]) == (None, None)
    assert alone["no_latency"] == "counted under emulation"


def test_a_cost_in_another_precision_or_on_another_core_is_another_measurement(
    make_record: Make,
) -> None:
    other = make_record("cost")
    other["conditions"]["precision"] = "fp16"
    slower = make_record("cost", device={"name": "emulated-a76", "emulated": True, "clock_ghz": 2})
    again = [make_record("cost"), make_record("cost")]
    (model,) = build_report([other, slower, *again])["models"]
    assert len(model["cost"]) == 3
    assert model["superseded"] == 1


def test_the_papers_points_are_its_rows_once_each() -> None:
    points = {point["name"]: point for point in paper_points()}
    assert (points["This work"]["ms"], points["This work"]["delta1"]) == (62, 0.827)
    assert "SplitShuffle (E)" not in points, "the same figures again"
    assert "DORN (Fu et al 2018)" not in points, "no time is printed"
    assert points["RegNetY 06, skip add"]["where"] == "table IV"


def test_the_papers_front_ends_in_its_own_network() -> None:
    best = [point["name"] for point in mark_best(paper_points()) if point["best"]]
    assert best[0] == "MobileNet v3"
    assert best[-1] == "This work"


@given(st.lists(places, min_size=1, max_size=20))
def test_a_point_is_best_if_no_other_is_as_fast_and_as_accurate(
    found: list[tuple[float, float]],
) -> None:
    points = mark_best([{"ms": ms, "delta1": delta1} for ms, delta1 in set(found)])
    for point in points:
        others = [other for other in points if other is not point]
        beaten = any(
            other["ms"] <= point["ms"] and other["delta1"] >= point["delta1"] for other in others
        )
        assert point["best"] is not beaten


def test_ours_are_drawn_beside_the_paper_only_by_its_rule(everything: list[Record]) -> None:
    same, other = build_report(everything)["charts"]
    assert same["rule"] == {"data": "nyu", "split": "test", "images": 654, "protocol": "paper"}
    phone, estimate = same["panels"]
    assert (phone["place"], phone["estimated"], estimate["estimated"]) == ("phone", False, True)
    (ours,) = phone["points"]
    assert (ours["ms"], ours["delta1"], ours["chosen"]) == (61.5, 0.67, True)
    assert [(one["label"], one["why"]) for one in estimate["unscored"]] == [("ds", "not scored")]
    assert all("table" in point["where"] for point in same["paper"])
    assert [point["name"] for point in same["far"]] == [
        "Eigen and Fergus (2015)",
        "Laina et al (2016)",
    ]
    assert other["rule"]["protocol"] == "eigen"


@pytest.mark.parametrize("change", [{"valid": False}, {"device": {"name": "e", "emulated": True}}])
def test_an_invalid_or_emulated_time_is_not_drawn(
    everything: list[Record], make_record: Make, change: dict[str, Any]
) -> None:
    records = [record for record in everything if record["kind"] != "latency"]
    kind = "latency" if "valid" in change else "emulated cost"
    records.append(make_record(kind, model="mobiledepth", **change))
    records = [record for record in records if record["kind"] != "cost"]
    (chart,) = build_report(records)["charts"]
    assert chart["panels"] == []


@given(st.lists(st.lists(st.floats(0.1, 500), max_size=900), max_size=3))
def test_thinned_sessions_keep_extremes_and_time(sessions: list[list[float]]) -> None:
    thinned = thin_sessions({"sessions": sessions})
    filled = [session for session in sessions if session]
    assert len(thinned) == len(filled)
    for whole, kept in zip(filled, thinned, strict=True):
        assert len(kept["ms"]) == len(kept["seconds"]) <= max(MOST_POINTS, 1)
        assert max(kept["ms"]) == pytest.approx(max(whole), abs=1e-4)
        assert min(kept["ms"]) == pytest.approx(min(whole), abs=1e-4)
    if filled:
        ends = np.cumsum([ms for session in filled for ms in session]) / 1e3
        last = [second for kept in thinned for second in kept["seconds"]]
        assert last == sorted(last)
        assert last[-1] <= ends[-1] + 1e-3


@pytest.mark.parametrize("sessions", [None, 3, [None], [[None, "x", -1.0, float("nan")]], {}])
def test_what_is_no_time_is_not_drawn(sessions: Any) -> None:
    assert thin_sessions({"sessions": sessions}) == []


def test_temperatures_come_from_before_during_and_after(profiled: Record) -> None:
    found = temperatures(profiled)
    assert found == {
        "samples": [35.0, 38.5, 40.0],
        "every_s": 10,
        "battery_before": 30.0,
        "battery_after": 31.5,
    }
    assert temperatures({"conditions": {"before": {}, "after": [1]}}) is None


def test_operators_by_hand(profiled: Record) -> None:
    roofline = build_roofline(profiled)
    assert roofline is not None
    first, second, last = roofline["operators"]
    # 80 M operations in 2 ms; 10 a byte, which at 10 GB/s would let through more than the peak.
    assert (first["gflops"], first["intensity"]) == (pytest.approx(40), pytest.approx(10))
    assert first["of_roof"] == first["of_peak"] == pytest.approx(0.5)
    # 2 M operations in 1 ms; 0.25 a byte: memory lets 2.5 GFLOP/s through.
    assert second["roof_gflops"] == pytest.approx(2.5)
    assert second["of_roof"] == pytest.approx(0.8)
    assert (last["gflops"], last["of_roof"]) == (None, None)
    assert sum(operator["share"] for operator in roofline["operators"]) == pytest.approx(1)


@pytest.mark.parametrize("bandwidth", [None, 0])
def test_without_a_bandwidth_the_roof_is_the_peak(profiled: Record, bandwidth: Any) -> None:
    profiled["profile"]["peak_gbytes_s"] = bandwidth
    roofline = build_roofline(profiled)
    assert roofline is not None
    assert {operator["roof_gflops"] for operator in roofline["operators"]} == {80.0}


@pytest.mark.parametrize("profile", [None, [], {}, {"operators": None}, {"operators": [{}, 1]}])
def test_no_profile_no_roofline(profiled: Record, profile: Any) -> None:
    profiled["profile"] = profile
    assert build_roofline(profiled) is None


def test_the_csv_has_a_line_a_measurement(everything: list[Record]) -> None:
    rows = list(csv.DictReader(io.StringIO(render_csv(build_report(everything)))))
    assert [(row["model"], row["kind"]) for row in rows] == [
        ("mobiledepth", "accuracy"),
        ("mobiledepth", "accuracy"),
        ("mobiledepth", "latency"),
        ("ds", "accuracy"),
        ("ds", "emulated cost"),
        ("ds", "cost"),
    ]
    assert (rows[5]["estimated_ms"], rows[5]["instructions"]) == ("41.25", "216852148")
    assert (rows[5]["latency_p50_ms"], rows[5]["emulator_p50_ms"]) == ("", "")
    assert (rows[2]["latency_p50_ms"], rows[2]["emulator_p50_ms"]) == ("61.5", "")
    assert (rows[2]["peak_memory_bytes"], rows[4]["peak_memory_bytes"]) == ("27000000", "")
    assert (rows[4]["latency_p50_ms"], rows[4]["emulator_p50_ms"]) == ("", "3400.0")
    assert (rows[0]["protocol"], rows[0]["delta1"], rows[0]["weights_m"]) == (
        "paper",
        "0.67",
        "5.8216",
    )


@pytest.mark.parametrize("name", ["=1+1", "@x", "-2+3", "+4", "a,b", 'quote"d', "two\nlines"])
def test_text_of_the_csv_is_no_formula_and_one_cell(make_record: Make, name: str) -> None:
    (row,) = csv.DictReader(io.StringIO(render_csv(build_report([make_record(model=name)]))))
    expected = " ".join(name.split())
    assert row["model"] == (f"'{expected}" if expected[0] in "=+-@" else expected)
