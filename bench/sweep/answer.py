"""Which cell is the best within limits, and which comes nearest where none is within them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.sweep.plan.plan import Answer

HIGHER_IS_BETTER = {
    **{"ms": False, "mb": False, "rmse": False, "mae": False, "rel": False, "log10": False},
    **{"delta1": True, "delta2": True, "delta3": True},
}
FIGURES = tuple(HIGHER_IS_BETTER)
"""ms of one inference, MB of the artefact, and the metrics of accuracy."""

Row = Mapping[str, Any]
"""A cell's `figures` by name, those that it has, and what else is told of it."""


@dataclass(frozen=True)
class Found:
    """The `best` of the cells within all limits; where there is none, the `nearest`.

    `missed` are the limits that the nearest does not keep: the figure's name, its value, the limit.
    `without` counts the cells that lack a figure that is asked for.
    """

    best: Row | None
    nearest: Row | None
    missed: tuple[tuple[str, float, float], ...]
    without: int


def comparable(rows: Sequence[Row], asked: Answer) -> dict[str | None, list[Row]]:
    """The rows of one device by what their times are of, `ms_of`, where times are asked for.

    A name may stand for several devices, as `adb:all` does. Rows without a time are in each group.
    """
    of_times = dict.fromkeys(row["ms_of"] for row in rows if "ms_of" in row)
    if "ms" not in {asked.best, *asked.at_least, *asked.at_most} or not of_times:
        return {None: list(rows)}
    return {one: [row for row in rows if row.get("ms_of", one) == one] for one in of_times}


def find_answer(rows: Sequence[Row], asked: Answer) -> Found:
    """The best row by `asked`; of equal ones the first.

    The nearest is the one whose worst miss of a limit, as a share of the limit, is the smallest.
    """
    names = {asked.best, *asked.at_least, *asked.at_most}
    whole = [row for row in rows if names <= set(row["figures"])]
    without = len(rows) - len(whole)
    sign = -1.0 if HIGHER_IS_BETTER[asked.best] else 1.0
    within = [row for row in whole if not misses(row["figures"], asked)]
    if within:
        best = min(within, key=lambda row: sign * row["figures"][asked.best])
        return Found(best, None, (), without)
    if not whole:
        return Found(None, None, (), without)
    nearest = min(
        whole, key=lambda row: (_worst(row["figures"], asked), sign * row["figures"][asked.best])
    )
    return Found(None, nearest, misses(nearest["figures"], asked), without)


def misses(figures: Mapping[str, float], asked: Answer) -> tuple[tuple[str, float, float], ...]:
    """The limits that figures do not keep: name, value, limit."""
    low = [(name, figures[name], limit) for name, limit in asked.at_least.items()]
    high = [(name, figures[name], limit) for name, limit in asked.at_most.items()]
    return (
        *(one for one in low if not one[1] >= one[2]),
        *(one for one in high if not one[1] <= one[2]),
    )


def _worst(figures: Mapping[str, float], asked: Answer) -> float:
    return max(
        abs(value - limit) / (abs(limit) or 1.0) for _, value, limit in misses(figures, asked)
    )
