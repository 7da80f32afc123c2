"""Which pairs belong to a split."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from depthbench.errors import InputError
from depthbench.suggest import did_you_mean

SPLITS = ("train", "test")

T = TypeVar("T")


def check_split(split: str) -> str:
    """Return `split` if it is a known one; raises InputError naming the nearest otherwise."""
    if split in SPLITS:
        return split
    raise InputError(f"unknown split {split!r}", advice=did_you_mean(split, SPLITS))


def read_table(table: Path, split: str) -> list[int]:
    """The pairs of a split, counted from 0, from a csv file of index0 and split (train, test).

    Raises InputError when the file has other columns or an index that is no number.
    """
    with table.open(newline="", encoding="utf-8") as lines:
        try:
            return [int(row["index0"]) for row in csv.DictReader(lines) if row["split"] == split]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{table}: not a table of index0 (a number) and split (train or test)",
                advice="write one row a pair",
            ) from error


def take(members: Sequence[T], limit: int | None, split: str, where: object) -> Sequence[T]:
    """The first `limit` members of a split; raises InputError when it has none."""
    if not members:
        raise InputError(
            f"{where}: the {split} split is empty", advice="give a data set that has one"
        )
    return members[:limit]


def at(members: Sequence[T], index: int) -> T:
    """`members[index]` for 0 <= index < length; raises IndexError, so that iteration ends."""
    if not 0 <= index < len(members):
        raise IndexError(f"pair {index} of {len(members)}")
    return members[index]
