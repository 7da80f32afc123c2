from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.report import numbers


@given(st.floats(1e-3, 1e6))
def test_three_significant_digits_lose_at_most_half_a_percent(value: float) -> None:
    text = numbers.significant(value)
    assert "e" not in text
    assert math.isclose(float(text), value, rel_tol=0.0051, abs_tol=0.0005)


@pytest.mark.parametrize(
    ("value", "text"), [(62.345, "62.3"), (5250.5, "5250"), (0.1965, "0.197"), (7.0, "7.00")]
)
def test_digits_that_mean_something(value: float, text: str) -> None:
    assert numbers.significant(value) == text


def test_units_and_absences() -> None:
    assert numbers.fixed(6.4306, 4, "M") == "6.4306 M"
    assert numbers.fixed(0.70500, 3, "G") == "0.705 G"
    assert numbers.megabytes(24_026_744) == "24.03 MB"
    assert numbers.percent(0.0132) == "1.3%"
    assert numbers.scientific(2.27e-7) == "2.3e-07"
    for show in (numbers.significant, numbers.scientific, numbers.percent, numbers.megabytes):
        assert show(None) == show(True) == show("7") == "-"
