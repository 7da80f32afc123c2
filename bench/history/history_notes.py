"""What a reader of a history should know of its records."""

from __future__ import annotations

from collections.abc import Sequence

from bench.history.commit_order import Ancestry, clock_faults, commit_of
from bench.records.record import Record
from depthbench.plural import counted


def tell_of(records: Sequence[Record], ancestry: Ancestry, one_file: bool) -> list[str]:
    """A line for each: wrong clocks, unknown commits, and that there is nothing to compare.

    `records` are a model's, in the order of their file, if they are of one.
    """
    told = clock_faults(records, ancestry, one_file)
    known = {commit for record in records if (commit := commit_of(record))}
    nameless = sum(commit_of(record) is None for record in records)
    strange = len(known - ancestry.rank.keys())
    if nameless:
        told.append(f"{nameless} of {len(records)} records are of no known commit: placed by date")
    if strange and len(known) > 1:
        told.append(
            f"{strange} of {counted(len(known), 'commit')} are not in this checkout: their runs "
            "are placed by date, and branches cannot be told apart"
        )
    if len(records) == 1:
        told.append("one record only: there is nothing to compare it with yet")
    return told


def relatives(model: str, records: Sequence[Record]) -> list[str]:
    """A line on models that are called like this one with an addition, such as another size."""
    names = sorted({one["model"] for one in records if one["model"].startswith(f"{model}-")})
    return [f"histories of their own have {', '.join(names)}"] if names else []
