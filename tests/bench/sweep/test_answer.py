"""The answer is the best of those within the limits, or says what misses them by the least."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bench.sweep.answer import comparable, find_answer
from bench.sweep.plan.plan import Answer

ASKED = Answer(best="ms", at_least={"delta1": 0.75}, at_most={"ms": 40.0})


def row(name: str, **figures: float) -> dict[str, Any]:
    return {"name": name, "figures": figures}


rows = st.lists(
    st.builds(
        lambda ms, delta1, whole: row("a", **({"ms": ms} if whole else {}), delta1=delta1),
        st.floats(1, 100),
        st.floats(0, 1),
        st.booleans(),
    )
)


@given(rows)
def test_the_fastest_within_the_limits_is_found(found: list[dict[str, Any]]) -> None:
    answer = find_answer(found, ASKED)
    within = [
        one["figures"]["ms"]
        for one in found
        if one["figures"].get("ms", 99.0) <= 40 and one["figures"]["delta1"] >= 0.75
    ]
    assert (answer.best["figures"]["ms"] if answer.best else None) == min(within, default=None)
    assert answer.without == sum("ms" not in one["figures"] for one in found)
    assert (answer.best is None) or (answer.nearest is None)


def test_the_nearest_is_the_one_that_misses_by_the_least() -> None:
    found = [
        row("far", ms=20.0, delta1=0.5),
        row("slow", ms=60.0, delta1=0.9),
        row("near", ms=42.0, delta1=0.74),
    ]
    answer = find_answer(found, ASKED)
    assert answer.best is None
    assert answer.nearest is not None
    assert answer.nearest["name"] == "near"
    assert answer.missed == (("delta1", 0.74, 0.75), ("ms", 42.0, 40.0))


def test_accuracy_is_better_when_higher_and_error_when_lower() -> None:
    found = [row("a", delta1=0.7, rmse=0.5), row("b", delta1=0.8, rmse=0.6)]
    names = {
        best: find_answer(found, Answer(best=best)).best["name"]  # type: ignore[index]
        for best in ("delta1", "rmse")
    }
    assert names == {"delta1": "b", "rmse": "a"}


def test_times_of_two_phones_of_one_name_are_not_compared() -> None:
    found: list[dict[str, Any]] = [
        {**row("a", ms=20.0, delta1=0.8), "ms_of": "median, one phone"},
        {**row("b", ms=30.0, delta1=0.8), "ms_of": "median, another phone"},
        row("c", delta1=0.9),
    ]
    groups = comparable(found, ASKED)
    assert {of: [one["name"] for one in group] for of, group in groups.items()} == {
        "median, one phone": ["a", "c"],
        "median, another phone": ["b", "c"],
    }
    assert comparable(found, Answer(best="delta1")) == {None: found}
    assert comparable(found[2:], ASKED) == {None: found[2:]}


def test_without_figures_there_is_no_answer() -> None:
    answer = find_answer([row("a", delta1=0.9)], ASKED)
    assert (answer.best, answer.nearest, answer.without) == (None, None, 1)
