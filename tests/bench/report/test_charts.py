"""Charts, by what matplotlib says of where things are."""

from __future__ import annotations

import itertools
import re

from matplotlib.figure import Figure

from bench.report.charts.labels import place_labels
from bench.report.charts.svg import VARIABLES, draw_both
from bench.report.pareto import mark_best, paper_points

LETTERS_ARE_WIDER = 0.85


def test_labels_cover_neither_each_other_nor_points() -> None:
    points = [point for point in mark_best(paper_points()) if point["ms"] < 150]
    places = [(point["ms"], point["delta1"]) for point in points]
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot(*zip(*places, strict=True), "o")
    labels = [(point["name"], place) for point, place in zip(points, places, strict=True)]
    written = place_labels(axes, labels, places)
    assert len(written) > 8
    boxes = [text.get_window_extent() for text in axes.texts]
    boxes = [box.shrunk(LETTERS_ARE_WIDER, LETTERS_ARE_WIDER) for box in boxes]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    for place in axes.transData.transform(places):
        assert not any(box.contains(*place) for box in boxes)


def test_where_there_is_no_room_no_label_is_written() -> None:
    axes = Figure(figsize=(1, 1)).subplots()
    axes.plot([0, 1], [0, 1])
    assert place_labels(axes, [("much too long a name" * 3, (0.5, 0.5))], [(0.5, 0.5)]) == []


def test_ids_begin_with_the_charts_name_and_colours_are_variables() -> None:
    def draw(figure: Figure, narrow: bool) -> None:
        axes = figure.subplots()
        axes.plot([1, 2], [1, 2], "o", color=next(iter(VARIABLES)))
        axes.set_title("narrow" if narrow else "wide")

    svg = draw_both(draw, "one", (200, 300))
    assert set(svg) == {"narrow", "wide"}
    for width, text in svg.items():
        ids = re.findall(r'\bid="([^"]+)"', text)
        assert ids
        assert all(name.startswith(f"one-{width}-") for name in ids)
        assert f">{width}</text>" in text
        assert "var(--ink)" in text
        assert "font-family" not in text
