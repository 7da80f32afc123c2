"""The order of runs: by code where git knows it, else by date; and clocks that are wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bench.history.commit_order import (
    Ancestry,
    clock_faults,
    count_between,
    order_runs,
    read_ancestry,
)
from bench.records.record import Record
from depthbench.errors import InputError

from .conftest import Checkout

At = Callable[..., Record]


def days(records: Sequence[Record]) -> list[int]:
    return [int(record["time"][8:10]) - 1 for record in records]


def test_a_checkout_tells_which_commit_comes_before_which(checkout: Checkout) -> None:
    c = checkout.commits
    known = read_ancestry([*c.values(), "f" * 40], checkout.root)
    assert known.rank.keys() == set(c.values())
    assert known.follows(c["d"], c["a"])
    assert known.follows(c["y"], c["b"])
    assert not known.follows(c["a"], c["d"])
    assert not known.follows(c["x"], c["c"])
    assert not known.follows(c["d"], c["x"])
    assert known.follows("f" * 40, c["d"]), "nobody knows that it does not"
    assert known.follows(None, c["d"])
    assert count_between(c["a"], c["y"], checkout.root) == 3


def test_without_git_nothing_is_known(tmp_path: Path) -> None:
    assert read_ancestry(["a" * 40], tmp_path) == Ancestry()


def test_what_is_no_commit_is_not_given_to_git(at: At, checkout: Checkout) -> None:
    option = at(1, "cost", f"--output={checkout.root / 'taken'}")
    ancestry = read_ancestry([checkout.commits["a"]], checkout.root)
    assert order_runs([option], ancestry) == [option]
    assert not (checkout.root / "taken").exists()


def test_a_commit_that_is_measured_again_later_stays_in_its_place(
    at: At, checkout: Checkout
) -> None:
    c = checkout.commits
    ancestry = read_ancestry(c.values(), checkout.root)
    measured = [at(20, "cost", c["b"]), at(7, "cost", c["d"]), at(5, "cost", c["c"])]
    assert days(order_runs(measured, ancestry)) == [20, 5, 7]


def test_unknown_commits_stand_by_date(at: At, checkout: Checkout) -> None:
    c = checkout.commits
    ancestry = read_ancestry(c.values(), checkout.root)
    known = [at(1, "cost", c["a"]), at(3, "cost", c["b"]), at(9, "cost", c["d"])]
    unknown = [at(4, "cost"), at(0, "cost"), at(12, "cost", "f" * 40)]
    assert days(order_runs([*unknown, *known], ancestry)) == [0, 1, 3, 4, 9, 12]


def test_wrong_clocks_are_told(at: At, checkout: Checkout) -> None:
    c = checkout.commits
    ancestry = read_ancestry(c.values(), checkout.root)
    good = [at(1, "cost", c["a"]), at(3, "cost", c["b"])]
    assert clock_faults(good, ancestry, one_file=True) == []
    (back,) = clock_faults(good[::-1], ancestry, one_file=True)
    assert back.startswith("dates go backwards in the file once")
    assert clock_faults(good[::-1], ancestry, one_file=False) == []
    (early,) = clock_faults([at(0, "cost", c["d"])], ancestry, one_file=True)
    assert early == "1 record is dated before the commit that was measured: a clock was wrong"
    future = {**good[0], "time": "2999-01-01T00:00:00Z"}
    assert clock_faults([future], ancestry, one_file=True) == [
        "1 record is dated in the future: a clock is wrong"
    ]


@pytest.mark.parametrize("time", ["yesterday", "", "2026-13-01"])
def test_a_time_that_is_no_date_is_bad_input(at: At, time: str) -> None:
    with pytest.raises(InputError, match="is no date"):
        order_runs([{**at(1, "cost"), "time": time}], Ancestry())


def test_times_of_other_zones_and_of_none_are_compared_in_utc(at: At) -> None:
    records = [
        {**at(1, "cost"), "id": name, "time": time}
        for name, time in (
            ("last", "2026-01-01T12:00:00"),
            ("first", "2026-01-01T12:30:00+02:00"),
            ("second", "2026-01-01T11:00:00Z"),
        )
    ]
    assert [r["id"] for r in order_runs(records, Ancestry())] == ["first", "second", "last"]
