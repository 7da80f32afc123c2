"""Which networks are accurate, and which are fast: the points of the accuracy/latency chart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.paper.printed_tables import TEST_IMAGES, is_comparable
from bench.report.numbers import number
from bench.report.wording import device, untrained
from depthnet import paper

Point = dict[str, Any]
FAR_MS = 150.0
"""Slower networks of the paper are named, not drawn: they would press the others together."""
SAME_RULE = f"nyu, test, {TEST_IMAGES} images, protocol paper"


def build_charts(models: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The accuracy/latency charts of a report.

    The first always has the `paper`'s points: its own phone's milliseconds and its own δ1. `ours`
    in it are trained networks scored by the same rule (protocol `paper`, all 654 test images)
    with a valid latency of a real device. A further chart for every other protocol, without the
    paper's points, which are not comparable. Each point has `name`, `ms`, `delta1`, `where` and
    `best`: no other of its own kind is both faster and more accurate. `far` are the points of
    the paper that are left out of the drawing.
    """
    printed = paper_points()
    near = [point for point in printed if point["ms"] <= FAR_MS]
    groups = _our_points(models)
    first = groups.pop(SAME_RULE, [])
    far = [point for point in printed if point["ms"] > FAR_MS]
    same = {"rule": SAME_RULE, "paper": mark_best(near), "far": far, "ours": mark_best(first)}
    return [same] + [
        {"rule": rule, "paper": [], "far": [], "ours": mark_best(points)}
        for rule, points in groups.items()
    ]


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


def _our_points(models: Iterable[Mapping[str, Any]]) -> dict[str, list[Point]]:
    groups: dict[str, list[Point]] = {}
    for model in models:
        times = [r for r in model["latency"] if r["valid"] and number(r["p50_ms"]) is not None]
        for score in model["accuracy"]:
            if not times or number(score["delta1"]) is None or untrained([score]):
                continue
            points = groups.setdefault(_rule(score), [])
            points += [
                {
                    "name": model["model"],
                    "ms": record["p50_ms"],
                    "delta1": score["delta1"],
                    "where": device(record),
                }
                for record in times
            ]
    return groups


def _rule(score: Mapping[str, Any]) -> str:
    if is_comparable(score):
        return SAME_RULE
    where = f"{score['data']}, {score['split']}, {score['images']} images"
    return f"{where}, protocol {score['protocol']}"
