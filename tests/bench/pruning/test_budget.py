"""Budgets as a person writes them."""

from __future__ import annotations

import pytest

from bench.pruning.budget import Budget, read_budget
from depthbench.errors import InputError


@pytest.mark.parametrize(
    ("text", "allowed"),
    [("70%", 70e6), ("58.9M", 58.9e6), ("58.9m", 58.9e6), ("0.05G", 50e6), (" 99.5% ", 99.5e6)],
)
def test_a_budget_is_cycles_or_a_share_of_the_network_s(text: str, allowed: float) -> None:
    budget = read_budget(text)
    assert budget.of(100e6) == pytest.approx(allowed)
    assert read_budget(str(budget)).of(100e6) == pytest.approx(allowed)


@pytest.mark.parametrize(
    "text", ["", "0", "0.7", "70", "0%", "100%", "120%", "-3M", "70 percent", "1e6", "nan"]
)
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"58\.9M"):
        read_budget(text)


def test_a_network_within_the_budget_is_not_pruned() -> None:
    with pytest.raises(InputError, match="within the budget"):
        Budget(cycles=90e6).of(84e6)
