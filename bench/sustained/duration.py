"""Durations as people write them."""

from __future__ import annotations

import re

from depthbench.errors import InputError

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
LONGEST_S = 24 * 3600.0


def parse_duration(text: str) -> float:
    """The seconds of a duration such as 30s, 10m or 1h, at most a day; InputError of another."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smh])", text)
    seconds = float(match[1]) * UNITS[match[2]] if match else 0.0
    if not 1 <= seconds <= LONGEST_S:
        raise InputError(f"{text!r}: not a duration of 1s to 24h", advice="write 30s, 10m or 1h")
    return seconds
