"""Which networks are accurate, and which are fast: the points of the accuracy/latency chart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.report.first_screen.best import best_row
from bench.report.first_screen.data_sets import data_in_words, is_nyu
from bench.report.summary import RULE, judge, rule_of
from depthnet import paper

Point = dict[str, Any]
Row = Mapping[str, Any]
TIMED = ("network", "label", "ms", "low_ms", "high_ms", "precision")
FAR_MS = 150.0
"""Slower networks of the paper are named, not drawn: they would press the others together."""


def build_charts(rows: Sequence[Row], rule: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The accuracy/latency charts of a report, from its summary; the first is by its `rule`.

    A further one for every other rule by which networks were scored. A chart has a panel for each
    place, a device or the core of an estimate, so that no two devices are drawn as one: `place`,
    `estimated` and its `points`. A point has `network`, `label`, `precision`, `ms`, `low_ms`,
    `high_ms`, `delta1`, `delta1_interval` and `scored_in` as its row; it is `best` where no other
    of its panel is both faster and more accurate, and `chosen` if it is the headline's. Points are
    of trained networks and valid times alone: the others of a panel are `unscored`, with a time and
    `why`, a mark on its axis.

    `paper` are the paper's points, with its own phone's milliseconds and δ1, where ours are of NYU
    or there are none; `far` those of them that are left out of the drawing.
    """
    rules: list[tuple[Any, ...] | None] = [tuple(rule[name] for name in RULE)] if rule else [None]
    for row in rows:
        rules += [key for score in row["accuracy"] if (key := rule_of(score)) not in rules]
    charts = [_chart(rows, key) for key in rules]
    return [charts[0], *(chart for chart in charts[1:] if _drawn(chart))]


def paper_points() -> list[Point]:
    """Every network that the paper times and scores, a row that is printed again only once."""
    points: dict[tuple[float, float], Point] = {}
    for table, content in paper.tables().items():
        for row in content["rows"]:
            if row.get("cpu_ms") is None or row.get("delta1") is None:
                continue
            ms, delta1 = float(row["cpu_ms"]), float(row["delta1"])
            where = f"table {table}"
            point = {"name": row["row"], "ms": ms, "delta1": delta1, "where": where}
            points.setdefault((ms, delta1), point)
    return list(points.values())


def mark_best(points: Iterable[Point]) -> list[Point]:
    """The points from fast to slow, each with whether it is `best`: on the Pareto front."""
    ordered = sorted(points, key=lambda point: (point["ms"], -point["delta1"]))
    highest, marked = float("-inf"), []
    for point in ordered:
        marked.append({**point, "best": point["delta1"] > highest})
        highest = max(highest, point["delta1"])
    return marked


def _chart(rows: Sequence[Row], rule: tuple[Any, ...] | None) -> dict[str, Any]:
    score = next((s for row in rows for s in row["accuracy"] if rule_of(s) == rule), None)
    timed = [row for row in rows if row["ms"] is not None and row["valid"] is not False]
    panels = [
        _panel([row for row in timed if row["place"] == place], rule)
        for place in dict.fromkeys(row["place"] for row in timed)
    ]
    of_nyu = bool(score and is_nyu(score) and score["split"] == "test")
    count = sum(len(panel["points"]) for panel in panels)
    if (
        score and count == 1 and not of_nyu
    ):  # one point says nothing alone: its time does, among the paper's
        for panel in panels:
            panel["unscored"] += [
                {**_timed(point), "why": f"its δ1 is of {data_in_words(score)}"}
                for point in panel["points"]
            ]
            panel["points"] = []
        count = 0
    printed = paper_points() if of_nyu or not count else []
    return {
        "rule": dict(zip(RULE, rule, strict=True)) if rule else None,
        "comparable": bool(score and score["comparable"]),
        "panels": panels,
        "paper": mark_best(point for point in printed if point["ms"] <= FAR_MS),
        "far": [point for point in printed if point["ms"] > FAR_MS],
    }


def _panel(rows: Sequence[Row], rule: tuple[Any, ...] | None) -> dict[str, Any]:
    chosen, _ = best_row(rows)
    points, unscored = [], []
    for row in rows:
        judged = judge(row, rule)
        if judged["delta1"] is None or not judged["trained"]:
            why = "not trained" if judged["score"] else "not scored"
            unscored.append({**_timed(row), "why": why})
            continue
        points.append(
            {
                **_timed(row),
                **{name: judged[name] for name in ("delta1", "scored_in")},
                "delta1_interval": judged["score"]["delta1_interval"],
                "chosen": row is chosen,
            }
        )
    return {
        "place": rows[0]["place"],
        "estimated": rows[0]["estimated"],
        "points": _front(points),
        "unscored": unscored,
    }


def _front(points: Sequence[Point]) -> list[Point]:
    """The points, the best marked: a score in another precision makes none the best."""
    sure = [point for point in points if not point["scored_in"]] or points
    best = {point["label"] for point in mark_best(sure) if point["best"]}
    ordered = sorted(points, key=lambda point: point["ms"])
    return [{**point, "best": point["label"] in best} for point in ordered]


def _timed(row: Row) -> Point:
    return {name: row[name] for name in TIMED}


def _drawn(chart: Mapping[str, Any]) -> bool:
    return any(panel["points"] for panel in chart["panels"])
