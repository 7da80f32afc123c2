"""Which weights a report warns about."""

from __future__ import annotations

import pytest

from bench.report.wording import untrained


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
