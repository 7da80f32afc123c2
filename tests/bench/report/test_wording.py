"""Which weights a report warns about."""

from __future__ import annotations

from typing import Any

import pytest

from bench.report.wording import interval, untrained


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ("untrained (random, seed 0)", True),
        ("untrained (ImageNet encoder, random decoder, seed 0)", True),
        ("trained (random, seed 0; 763 pairs of nyu; 146 epochs in 4 stages)", False),
        ("", False),
    ],
)
def test_weights_are_judged_by_what_they_are_not_by_what_they_started_from(
    weights: str, expected: bool
) -> None:
    assert untrained([{"weights": weights}]) is expected


def test_an_interval_is_two_numbers() -> None:
    record: dict[str, Any] = {"intervals": {"p50_ms": [33.456, 34.0]}}
    assert interval(record, "p50_ms") == " (33.5 to 34.0)"
    assert interval(record, "p90_ms") == ""


@pytest.mark.parametrize("odd", [None, [], [1], [1, None], ["a", 2], {"p50_ms": 3}, 7])
def test_what_is_no_interval_is_not_shown(odd: Any) -> None:
    assert interval({"intervals": odd}, "p50_ms") == ""
    assert interval({"intervals": {"p50_ms": odd}}, "p50_ms") == ""
