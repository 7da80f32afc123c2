"""What a sceptic asks next: which cells failed, what calibration gave, whether depth flickers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.peers.peer import OURS
from bench.report.wording import depth_result, depth_subject
from depthbench.plural import counted

Record = Mapping[str, Any]
MOST_NAMED = 3
"""Of failed cells, and of models by kind; the others are below."""


def write_asides(models: Sequence[Record], best: str) -> list[dict[str, str]]:
    """A line of `text` for each, by its `kind`: failed cells in one, then calibration and flicker.

    `models` are those of a report; the one called `best` comes first.
    """
    ordered = sorted(models, key=lambda model: model["model"] != best)
    found = _failed([cell for model in ordered for cell in model["failed_cells"]])
    for kind in ("calibration", "flicker"):
        found += _measured(kind, [record for model in ordered for record in model[kind]])
    return found


def cell_name(cell: Record) -> str:
    """A failed cell, by what tells it from the usual ones."""
    conditions, device = cell["conditions"], cell["device"]["name"]
    threads = conditions.get("threads")
    told = [cell["model"], conditions.get("precision")]
    told += [counted(threads, "thread")] if isinstance(threads, int) and threads > 1 else []
    told += [cell["runtime"]] if cell["runtime"] != OURS else []
    told += [f"on {device}"] if device != "estimated" else []
    return " ".join(str(one) for one in told if one)


def steps_of(cell: Record) -> str:
    """The steps of a cell that failed."""
    return ", ".join(dict.fromkeys(one["step"] for one in cell["failed"]))


def _failed(cells: Sequence[Record]) -> list[dict[str, str]]:
    if not cells:
        return []
    of = counted(max(cell["cells"] for cell in cells), "cell")
    named = [f"{cell_name(cell)} ({steps_of(cell)})" for cell in cells[:MOST_NAMED]]
    more = [f"{len(cells) - len(named)} more"] if len(cells) > len(named) else []
    text = f"{len(cells)} of {of}: {', '.join([*named, *more])}. Why stands below."
    return [{"kind": "failed", "text": text}]


def _measured(kind: str, records: Iterable[Record]) -> list[dict[str, str]]:
    known = list(records)
    lines = [
        {"kind": kind, "text": f"{one['model']}: {depth_result(one)} ({depth_subject(one)})"}
        for one in known[:MOST_NAMED]
    ]
    if len(known) > len(lines):
        hidden = Counter(one["model"] for one in known[MOST_NAMED:])
        lines.append({"kind": kind, "text": f"below also of {', '.join(hidden)}"})
    return lines


FILTERS = (cell_name, steps_of)
"""What the templates of every format use."""
