"""Which weights a report warns about."""

from __future__ import annotations

from typing import Any

import pytest

from bench.report.wording import interval, trained, untrained
from depthnet.weights.origin import (
    ImageNet,
    Origin,
    Random,
    Source,
    Trained,
    Weights,
    to_dict,
)

RANDOM = Random(0)
IMAGENET = ImageNet(0, "encoder.pth", "ab" * 32)


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (RANDOM, (True, False)),
        (IMAGENET, (True, False)),
        (Weights("mine.safetensors", "ab" * 32), (False, True)),
        (Trained(RANDOM, (Source("nyu", "train", 763),), 146, 4), (False, True)),
    ],
)
def test_weights_are_judged_by_what_they_are_not_by_what_they_started_from(
    origin: Origin, expected: tuple[bool, bool]
) -> None:
    record = {"weights": str(origin), "origin": to_dict(origin)}
    assert (untrained([record]), trained(record)) == expected


@pytest.mark.parametrize("weights", ["untrained (random, seed 0)", "trained (nyu; 20 epochs)", ""])
def test_a_phrase_alone_decides_nothing(weights: str) -> None:
    record = {"weights": weights}
    assert (untrained([record]), trained(record)) == (False, False)


def test_an_interval_is_two_numbers() -> None:
    record: dict[str, Any] = {"intervals": {"p50_ms": [33.456, 34.0]}}
    assert interval(record, "p50_ms") == " (33.5 to 34.0)"
    assert interval(record, "p90_ms") == ""


@pytest.mark.parametrize("odd", [None, [], [1], [1, None], ["a", 2], {"p50_ms": 3}, 7])
def test_what_is_no_interval_is_not_shown(odd: Any) -> None:
    assert interval({"intervals": odd}, "p50_ms") == ""
    assert interval({"intervals": {"p50_ms": odd}}, "p50_ms") == ""
