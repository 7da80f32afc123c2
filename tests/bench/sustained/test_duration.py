"""Durations as people write them."""

from __future__ import annotations

import pytest

from bench.sustained.duration import parse_duration
from depthbench.errors import InputError


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("10m", 600), ("1h", 3600), ("1.5m", 90), ("24h", 86400)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "10", "m", "10 m", "-1m", "0s", "0.5s", "25h", "1d", "1m30s", "1e3s", "\u0661m", "10M"],
)
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"not a duration of 1s to 24h; write 30s, 10m or 1h"):
        parse_duration(text)
