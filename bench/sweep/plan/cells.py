"""The cells of a plan: every model at every size, in every precision, on every runtime, ..."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bench.peers.peer import NAMES, OURS, Setting, check_precision
from bench.runtimes import registry
from bench.sweep.plan.faults import Faults, Place
from bench.sweep.plan.plan import ESTIMATED, HOST, OWN, Exclusion, Plan
from bench.sweep.plan.subjects import Size, Subject
from depthbench.errors import InputError
from depthbench.plural import counted
from depthnet.zoo import by

TIMED_HERE = ("fp32", "int8")
"""The precisions in which runtimes of this machine are timed beside each other."""

AXES = ("models", "sizes", "precisions", "threads", "runtimes", "devices")


@dataclass(frozen=True)
class Cell:
    """One setting of one model; `size` is None for a file of no image, which keeps its own."""

    subject: Subject
    size: Size | None
    precision: str
    threads: int
    runtime: str
    device: str

    @property
    def values(self) -> dict[str, Any]:
        """What tells it from other cells, as plain values."""
        return {
            "model": self.subject.name,
            "size": by(self.size) if self.size else OWN,
            "precision": self.precision,
            "threads": self.threads,
            "runtime": self.runtime,
            "device": self.device,
        }

    @property
    def label(self) -> str:
        """The cell in words."""
        threads = counted(self.threads, "thread")
        size = by(self.size) if self.size else OWN
        kind = f"{self.precision}, {threads}, {self.runtime}, {self.device}"
        return f"{self.subject.name} {size} {kind}"


def expand(
    plan: Plan,
    subjects: Mapping[int, Subject],
    faults: Faults,
    unknown: Collection[tuple[str, int]] = (),
) -> list[Cell]:
    """All cells, in the order of the plan's axes; what cannot be goes to `faults`.

    `subjects` are the plan's models by number; values that are `unknown`, by axis and number, are
    passed over, as faults that are known.
    """
    numbered: list[list[tuple[int, Any]]] = [list(subjects.items())]
    for axis in AXES[1:]:
        values = enumerate(getattr(plan, axis))
        numbered.append([one for one in values if (axis, one[0]) not in unknown])
    cells: dict[Cell, None] = {}
    used: set[int] = set()
    combined: Iterator[Any] = itertools.product(*numbered)
    for product in combined:
        numbers = dict(zip(AXES, (number for number, _ in product), strict=True))
        subject, asked, *others = (value for _, value in product)
        try:
            size = subject.size(asked)
        except InputError as error:
            faults.note(("sizes", numbers["sizes"]), error)
            continue
        cell = Cell(subject, size, *others)
        if excluded := [n for n, one in enumerate(plan.exclude) if _excludes(one, cell)]:
            used.update(excluded)
            continue
        wrong = list(_wrong(cell))
        for axis, what in wrong:
            faults.add((axis, numbers[axis]), what)
        if cell in cells and not wrong:
            _tell_duplicate(plan, cell, numbers, faults)
        cells[cell] = None
    for number in range(len(plan.exclude)):
        if number not in used:
            faults.add(("exclude", number), "leaves out no cell; correct it or remove it")
    if not cells and not faults.found:
        faults.add(("exclude",), "leaves out every cell")
    return list(cells)


def _excludes(exclusion: Exclusion, cell: Cell) -> bool:
    said = exclusion.model_dump(exclude_none=True)
    own = said.get("size") == OWN and cell.subject.is_own(cell.size)
    values = {**cell.values, "size": OWN if own else cell.size}
    return all(values[name] == value for name, value in said.items())


def _tell_duplicate(plan: Plan, cell: Cell, numbers: dict[str, int], faults: Faults) -> None:
    """At the entry, of the axis that says something twice, that says it again."""
    place: Place = ("sizes", numbers["sizes"])
    for axis in ("precisions", "threads", "runtimes", "devices"):
        values = getattr(plan, axis)
        if values.index(values[numbers[axis]]) != numbers[axis]:
            place = (axis, numbers[axis])
    faults.add(place, f"the cell {cell.label} is there already; name each value once")


def _wrong(cell: Cell) -> Iterator[tuple[str, str]]:
    """The axes that cannot be combined so, each with why."""
    if cell.subject.quantised and cell.precision != "int8":
        yield "precisions", f"{cell.subject.name} is quantised, which is int8 alone"
    if cell.device == ESTIMATED:
        yield from _wrong_to_estimate(cell)
    elif cell.device == HOST:
        yield from _wrong_here(cell)
    elif cell.runtime != OURS:
        yield (
            "runtimes",
            f"{cell.runtime} on {cell.device}: on devices a sweep times {OURS}; "
            "`depthbench compare --device` times others",
        )


def _wrong_to_estimate(cell: Cell) -> Iterator[tuple[str, str]]:
    if cell.threads != 1:
        yield "threads", f"{cell.threads} threads, but what is {ESTIMATED} is one"
    if cell.runtime not in NAMES:
        yield "runtimes", f"{cell.runtime} is not {ESTIMATED}; that are {', '.join(NAMES)}"
    elif cell.runtime != OURS:
        try:
            check_precision(Setting(cell.runtime, cell.precision))
        except InputError as error:
            yield "precisions", str(error)


def _wrong_here(cell: Cell) -> Iterator[tuple[str, str]]:
    able = [one for one in registry.find(cell.runtime).precisions if one in TIMED_HERE]
    if cell.precision not in able:
        what = f"{cell.runtime} is timed on this machine in {' and '.join(able)}"
        yield "precisions", f"{what}, not in {cell.precision}"
