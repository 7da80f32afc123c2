"""What a report says first, of records whose answer is known."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bench.accuracy.contact_sheet import PANELS
from bench.records.record import Record
from bench.report.first_screen.best import NEAR, best_row
from bench.report.first_screen.sheets import typical_image
from bench.report.html import render_html
from bench.report.markdown import render_markdown
from bench.report.report import build_report
from tests.bench.report.conftest import TRAINED

Make = Callable[..., Record]
scored = st.tuples(st.floats(1, 200), st.floats(0, 1))


@pytest.fixture
def timed(make_record: Make) -> Make:
    """A latency on a phone, `day` days after the first."""

    def make(p50_ms: float, day: int = 0, phone: str = "phone", **conditions: Any) -> Record:
        device = {"name": phone, "emulated": False}
        record = make_record("latency", p50_ms=p50_ms, device=device)
        record["conditions"] = {**deepcopy(record["conditions"]), **conditions}
        return record | {"time": f"2026-03-{1 + day:02d}T08:00:00+00:00"}

    return make


def first_screen(*records: Record) -> dict[str, Any]:
    headline: dict[str, Any] = build_report(records)["headline"]
    return headline


def figures(*records: Record) -> list[dict[str, str]]:
    (place,) = first_screen(*records)["places"]
    found: list[dict[str, str]] = place["figures"]
    return found


def test_five_figures_with_what_they_must_not_be_read_without(make_record: Make) -> None:
    record = make_record("latency", intervals={"p50_ms": [61.2, 61.9]})
    score = make_record(delta1=0.75, **TRAINED | {"images": 2})
    score["per_image"] = [{"delta1": 0.7}, {"delta1": 0.8}]
    accuracy, time, rate, size, change = figures(record, score)
    assert accuracy["value"] == "0.750"
    # Student's t of two values: 12.706 times their standard error, .05.
    assert accuracy["detail"] == "eigen protocol on NYU Depth v2; 0.115 to 1.000 over 2 images"
    assert (time["name"], time["value"], time["unit"]) == ("latency, p50", "61.5", "ms")
    assert time["detail"] == "61.2 to 61.9 ms, 95 % interval; 300 samples"
    assert rate["value"] == "16.3"
    assert (size["value"], size["unit"]) == ("23.5", "MB")
    assert change["value"] == "first run"


def test_an_estimate_is_called_one(make_record: Make) -> None:
    headline = first_screen(make_record("cost"), make_record(**TRAINED))
    assert headline["title"] == "tiny, fp32, on Raspberry Pi 5, 2.4 GHz (estimated)"
    assert headline["verdict"]["word"] == "estimated, no device"
    (place,) = headline["places"]
    assert place["error_source"] == "eleven public networks"
    assert [figure["value"] for figure in place["figures"][1:3]] == ["41.2", "24.2"]
    assert place["figures"][1]["detail"] == "38.2 to 45.0 ms"


def test_a_sceptics_next_questions_are_answered_where_records_say_so(make_record: Make) -> None:
    timed = make_record("cost")
    assert build_report([timed])["asides"] == []
    others = [make_record("failed cell", model=f"net-{n}") for n in range(4)]
    others[2] |= {"device": {"name": "host"}, "runtime": "ncnn"}
    records = [timed, *others, make_record("calibration"), make_record("flicker")]
    report = build_report(records)
    assert [row["network"] for row in report["summary"]] == ["tiny"]
    assert report["asides"] == [
        {
            "kind": "failed",
            "text": "4 of 24 cells: net-0 fp16 (compile), net-1 fp16 (compile), net-2 fp16 ncnn on "
            "host (compile), 1 more. Why stands below.",
        },
        {
            "kind": "calibration",
            "text": "tiny: scale fitted; a point left out is off by 0.120 m, 6.0% (3 distances in "
            "1 picture)",
        },
        {
            "kind": "flicker",
            "text": "tiny: 2.0% of depth from frame to frame, 2.0% in a pair of twenty (clip.mp4, "
            "1 pair of frames, nothing moves)",
        },
    ]
    for text in (render_markdown(report), render_html(report)):
        assert "4 of 24 cells" in text
        assert text.count("the outputs differ") == 4
        assert "off by 0.120 m" in text
        assert "2.0% of depth from frame to frame" in text
        assert "depthbench sweep --model tiny --precision fp16" in text


def test_what_is_calibrated_most_often_leaves_room_for_the_rest(make_record: Make) -> None:
    records = [make_record("flicker", model=f"net-{n}") for n in range(5)]
    lines = [aside["text"] for aside in build_report(records)["asides"]]
    assert [line.partition(":")[0] for line in lines[:3]] == ["net-0", "net-1", "net-2"]
    assert lines[3:] == ["below also of net-3, net-4"]


def test_a_sweep_of_which_all_failed_has_a_report(make_record: Make) -> None:
    report = build_report([make_record("failed cell", cells=1)])
    assert report["headline"]["verdict"]["state"] == "untimed"
    assert report["asides"][0]["text"].startswith("1 of 1 cell: tiny fp16 (compile)")
    assert "the outputs differ" in render_markdown(report)


def test_an_emulators_time_is_not_on_the_first_screen(make_record: Make) -> None:
    emulated = {"device": {"name": "emulated-a76", "emulated": True}, "p50_ms": 5250.4}
    headline = first_screen(make_record("emulated cost", **emulated))
    assert "5250" not in json.dumps(headline)
    assert headline["verdict"]["state"] == "untimed"
    assert headline["title"] == "tiny, fp32, not timed"


def test_the_change_is_since_the_last_valid_run_on_that_device(timed: Make) -> None:
    invalid = timed(90.0, 2) | {"valid": False, "reasons": ["hot"]}
    other = timed(30.0, 3, phone="another")
    report = build_report([timed(80.0, 0), timed(60.0, 1), invalid, other, timed(57.0, 4)])
    first, second = sorted(report["headline"]["places"], key=lambda place: place["place"])
    assert first["place"] == "another"
    assert first["figures"][4]["value"] == "first run"
    assert second["figures"][4]["value"] == "\N{MINUS SIGN}5.0"
    assert second["figures"][4]["detail"] == "time, from 60.0 ms on 2026-03-02 08:00"


def test_runs_under_other_conditions_have_no_change(timed: Make) -> None:
    change = figures(timed(80.0, 0, input="zeros"), timed(60.0, 1))[4]
    assert change["value"] == "other conditions"
    assert "zeros" in change["detail"]
    earlier = build_report([timed(60.0, 1)], [timed(80.0, 0)])["headline"]["places"][0]
    assert earlier["figures"][4]["value"] == "\N{MINUS SIGN}25.0"
    assert earlier["rows"] == 1


def test_a_network_trained_again_has_a_change_of_accuracy(make_record: Make) -> None:
    old = make_record(delta1=0.70, **TRAINED | {"weights": "trained, 1 epoch"})
    new = make_record(delta1=0.75, **TRAINED)
    change = figures(old | {"time": "2026-03-01T08:00:00+00:00"}, new, make_record("latency"))[4]
    assert change["detail"] == "δ1 +0.050 since 2026-03-01 08:00"


@given(st.lists(scored, min_size=1, max_size=12))
def test_the_best_is_the_fastest_that_is_nearly_the_most_accurate(
    found: list[tuple[float, float]],
) -> None:
    rows = [
        {"ms": ms, "delta1": delta1, "valid": True, "trained": True, "scored_in": None}
        for ms, delta1 in found
    ]
    best, _ = best_row(rows)
    assert best is not None
    highest = max(delta1 for _, delta1 in found)
    assert best["delta1"] >= highest - NEAR
    assert not any(ms < best["ms"] and delta1 >= highest - NEAR for ms, delta1 in found)


def test_neither_invalid_nor_untrained_nor_borrowed_scores_make_the_best(
    make_record: Make,
) -> None:
    def network(name: str, ms: float, precision: str = "fp32", **changes: Any) -> list[Record]:
        cost = make_record("latency", model=name, p50_ms=ms, artefact_sha256=f"{name}{precision}")
        cost["conditions"] = {**cost["conditions"], "precision": precision}
        return [cost | changes, make_record(model=name, delta1=0.7, **TRAINED)]

    untrained = network("untrained", 2.0)
    untrained[1]["origin"] = {"kind": "random"}
    records = [
        *network("invalid", 1.0, valid=False, reasons=["hot"]),
        *untrained,
        *network("borrowed", 3.0, "fp16"),
        *network("good", 4.0),
        *network("slow", 5.0),
    ]
    (place,) = first_screen(*records)["places"]
    assert (place["network"], place["rows"]) == ("good", 5)
    assert "within 0.01 of the highest δ1" in place["rule"]
    (panel,) = build_report(records)["charts"][0]["panels"]
    hollow = {point["network"]: point["scored_in"] for point in panel["points"]}
    assert hollow == {"borrowed": "fp32", "good": None, "slow": None}
    assert [one["why"] for one in panel["unscored"]] == ["not trained"]


def test_a_quantised_network_borrows_the_score_of_its_source(make_record: Make) -> None:
    cost = make_record("cost", model="tiny-int8", model_sha256="ef" * 32)
    cost["conditions"] = {**cost["conditions"], "precision": "int8"}
    rows = build_report([cost, make_record(delta1=0.7, **TRAINED)])["summary"]
    (row,) = [row for row in rows if row["model"] == "tiny-int8"]
    assert (row["network"], row["delta1"], row["scored_in"]) == ("tiny", 0.7, "fp32")
    own = make_record(model="tiny-int8", model_sha256="ef" * 32, delta1=0.6, **TRAINED)
    own["conditions"] = {**own["conditions"], "precision": "int8"}
    rows = build_report([cost, own, make_record(delta1=0.7, **TRAINED)])["summary"]
    (row,) = [row for row in rows if row["model"] == "tiny-int8"]
    assert (row["delta1"], row["scored_in"]) == (0.6, None)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"data": "rooms", "images": 20}, "no figure for photographs"),
        ({"images": 30}, "a sample of NYU"),
        ({"origin": {"kind": "random"}}, "The weights are not trained"),
        ({"split": "train"}, "NYU's train split, not of its test images"),
    ],
)
def test_the_verdict_says_what_a_score_means(
    make_record: Make, changes: dict[str, Any], told: str
) -> None:
    headline = first_screen(make_record("latency"), make_record(**TRAINED | changes))
    assert told in headline["verdict"]["text"]
    assert headline["verdict"]["state"] == "measured"


def test_a_whole_score_stands_beside_the_papers(make_record: Make) -> None:
    records = [make_record("complexity"), make_record("latency")]
    records[0]["paper"][0]["printed"]["delta1"] = 0.827
    for delta1, told in ((0.670, "0.157 below the 0.827 that"), (0.830, "0.003 above the 0.827")):
        score = make_record(**TRAINED, protocol="paper", delta1=delta1)
        assert f"The δ1 is {told}" in first_screen(*records, score)["verdict"]["text"]


def test_what_is_not_to_be_used_says_why_first(make_record: Make) -> None:
    record = make_record("latency", valid=False, reasons=["the battery was at 41 °C"])
    verdict = first_screen(record)["verdict"]
    assert (verdict["word"], verdict["state"]) == ("INVALID", "invalid")
    assert verdict["text"].startswith("Not to be used: the battery was at 41 °C.")


def test_markdown_begins_with_the_same(make_record: Make) -> None:
    text = render_markdown(build_report([make_record("cost"), make_record(**TRAINED)]))
    head = text[: text.index("## Measurements")]
    assert "# Depth network report: tiny, fp32, on Raspberry Pi 5, 2.4 GHz (estimated)" in head
    assert "**estimated, no device**: About 24.2 frames per second." in head
    assert "| 41.2 ms (38.2 to 45.0 ms) |" in head


def sheet(rows: Any) -> bytes:
    told, content = PngInfo(), io.BytesIO()
    told.add_text(PANELS, rows if isinstance(rows, str) else json.dumps(rows))
    Image.new("RGB", (400, 100), "teal").save(content, "PNG", pnginfo=told)
    return content.getvalue()


def row(delta1: float) -> dict[str, Any]:
    boxes = [[100 * n, 0, 100 * n + 80, 60] for n in range(4)]
    told = {"near_m": 1.0, "far_m": 2.0, "worst_m": 0.5, "boxes": boxes}
    return {**told, "name": f"of {delta1}", "delta1": delta1}


def test_the_typical_image_is_the_median() -> None:
    found = typical_image(sheet([row(0.9), row(0.1), row(0.5), row(0.7)]))
    assert found is not None
    assert (found["name"], found["of"], len(found["panels"])) == ("of 0.5", 4, 4)


@pytest.mark.parametrize(
    "rows",
    [
        *([], {}, "no JSON", [1], [{}], [row(0.5) | {"boxes": [[0, 0, 9, 9]] * 3}]),
        *([row(0.5) | {"boxes": [[0, 0, 900, 9]] * 4}], [row(0.5) | {"delta1": "x"}]),
        *([row(0.5) | {"boxes": [[5, 0, 5, 9]] * 4}], [row(0.5) | {"boxes": [["a"] * 4] * 4}]),
    ],
)
def test_a_sheet_that_tells_nothing_true_of_its_panels_has_no_typical_image(rows: Any) -> None:
    assert typical_image(sheet(rows)) is None
