"""Shell, demo and app beside each other."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from bench.records.record import Record
from bench.report.html import render_html
from bench.report.markdown import render_markdown
from bench.report.report import build_report
from bench.report.reproduce import commands

Make = Callable[..., Record]


@pytest.fixture
def timed(make_record: Make) -> Make:
    """A latency of one artefact, by what `source` says."""

    def make(source: str, p50_ms: float, kind: str = "latency", **conditions: Any) -> Record:
        record = make_record(kind, model="mobiledepth", source=source, p50_ms=p50_ms)
        record["samples_ms"], record["sessions"] = [p50_ms], [[p50_ms]]
        record["conditions"] |= {"precision": "fp32", "threads": 1, **conditions}
        return deepcopy(record)

    return make


def test_one_artefact_by_shell_demo_and_app(timed: Make) -> None:
    records = [timed("app", 36.0), timed("demo", 31.5), timed("shell", 30.0)]
    ((group,),) = [model["sources"] for model in build_report(records)["models"]]
    assert [(row["source"], row["p50_ms"]) for row in group["rows"]] == [
        *(("shell", 30.0), ("demo", 31.5), ("app", 36.0))
    ]
    assert [row["ratio"] for row in group["rows"]] == pytest.approx([1, 1.05, 1.2])


def test_without_the_shell_the_demo_is_the_measure(timed: Make) -> None:
    (model,) = build_report([timed("app", 20.0), timed("demo", 40.0)])["models"]
    assert [row["ratio"] for row in model["sources"][0]["rows"]] == [1.0, 0.5]


def test_an_older_record_is_the_shells(timed: Make) -> None:
    old = timed("shell", 30.0)
    del old["source"]
    (model,) = build_report([old, timed("app", 33.0)])["models"]
    assert [row["source"] for row in model["sources"][0]["rows"]] == ["shell", "app"]


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("latency", {"precision": "int8"}),
        ("latency", {"threads": 4}),
        ("emulated cost", {}),
    ],
)
def test_what_is_not_the_same_is_not_beside_it(
    timed: Make, kind: str, change: dict[str, Any]
) -> None:
    records = [timed("shell", 30.0), timed("app", 33.0, kind, **change)]
    assert not build_report(records)["models"][0]["sources"]
    other = timed("app", 33.0) | {"artefact_sha256": "0" * 64}
    assert not build_report([records[0], other])["models"][0]["sources"]


def test_an_apps_record_supersedes_no_other(timed: Make) -> None:
    (model,) = build_report([timed("shell", 30.0), timed("app", 33.0)])["models"]
    assert (len(model["latency"]), model["superseded"]) == (2, 0)


def test_people_see_it(timed: Make) -> None:
    document = build_report([timed("shell", 30.0), timed("app", 36.0)])
    page, text = render_html(document), render_markdown(document)
    assert "Shell, demo and app: " in page
    assert "1.20" in page
    assert "| app | phone | any | " in text or "| app |" in text
    assert "| 36.0 |" in text
    assert ", in an app" in page


def test_the_commands_are_those_of_package_and_demo(timed: Make) -> None:
    app, demo = timed("app", 33.0, threads=4), timed("demo", 33.0)
    app["target"] = "arm64-a76"
    assert commands([app, demo]) == [
        "depthbench package mobiledepth --target arm64-android --threads 4",
        "depthbench demo mobiledepth",
    ]
