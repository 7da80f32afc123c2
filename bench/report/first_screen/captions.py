"""What a chart shows, and what its points must not be taken for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.report.first_screen.data_sets import data_in_words


def rule_in_words(rule: Mapping[str, Any]) -> str:
    """By which data and protocol networks were scored."""
    return f"{data_in_words(rule)}, {rule['protocol']} protocol"


def chart_in_words(chart: Mapping[str, Any]) -> str:
    """What an accuracy/latency chart shows, and what its points must not be taken for."""
    scored = any(panel["points"] for panel in chart["panels"])
    told = [f"δ1: {rule_in_words(chart['rule'])}."] if chart["rule"] and scored else []
    told += [f"{why}." for why in _left_out(chart)]
    if any(
        one["chosen"] and one["delta1_interval"] for p in chart["panels"] for one in p["points"]
    ):
        told.append("The upright bar: 95 % over images.")
    if chart["paper"] and scored and not chart["comparable"]:
        told.append("Rings: the paper's networks, all 654 test images, on its phone: a reference.")
    elif chart["paper"]:
        told.append("Rings: the paper's networks, on its phone: a reference.")
    return " ".join(told)


def _left_out(chart: Mapping[str, Any]) -> list[str]:
    marks = [point for panel in chart["panels"] for point in panel["unscored"]]
    if len(marks) == 1:
        return [f"Only the time of {marks[0]['label']} is drawn: {marks[0]['why']}"]
    reasons = dict.fromkeys(point["why"] for point in marks)
    return [
        f"{sum(point['why'] == why for point in marks)} have a time alone: {why}" for why in reasons
    ]


FILTERS = (rule_in_words, chart_in_words)
"""What the templates of every format use."""
