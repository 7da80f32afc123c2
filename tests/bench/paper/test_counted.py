"""The kept counts against the networks themselves."""

from __future__ import annotations

from bench.paper.counted import count_networks, read_counted


def test_the_kept_counts_are_those_of_the_code() -> None:
    """After a change of a network: python -m bench.paper.counted."""
    assert read_counted() == count_networks()
