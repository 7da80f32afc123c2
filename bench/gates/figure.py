"""The figures of a check, each beside what it was: the rows of every table of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from depthbench.plural import counted

GATES = ("accuracy", "instructions", "latency")
Judgement = Literal["good", "FAILED", "told", "not judged"]
ABSENT = "-"
HUGE = 100.0


@dataclass(frozen=True)
class Figure:
    """What a gate says of one thing; a number is None where there is none.

    `change` and `allowed`, which is the limit of it, are in `unit` or, if `relative`, shares of
    what it was. `why` says in one line why it failed or was not judged, `where` where the model's
    file is another, `details` more of it.
    """

    gate: str
    subject: str
    name: str
    was: float | None = None
    now: float | None = None
    change: float | None = None
    allowed: float | None = None
    unit: str = ""
    relative: bool = False
    verdict: Judgement = "good"
    why: str = ""
    where: str = ""
    details: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether the check fails of it."""
        return self.verdict == "FAILED"

    def cells(self) -> dict[str, str]:
        """It as a row of a table for people, by column."""
        return {
            "gate": self.gate,
            "figure": self.name,
            "was": _number(self.was, self.unit),
            "now": _number(self.now, self.unit),
            "change": self._change(self.change),
            "allowed": self._change(self.allowed),
            "verdict": self.verdict,
        }

    def _change(self, value: float | None) -> str:
        if value is None:
            return ABSENT
        if self.relative:
            return f"{value:+.2%}" if abs(value) < HUGE else f"{100 * value:+.1e}%"
        return f"{value:.1g}" if self.now is None else _with_unit(f"{value:+.4f}", self.unit)


def verdict_of(figures: Sequence[Figure]) -> str:
    """What a check with these figures comes to, in words."""
    failed = sum(figure.failed for figure in figures)
    if failed:
        return f"{failed} of {counted(len(figures), 'figure')} failed"
    judged = sum(figure.verdict == "good" for figure in figures)
    if not judged:
        return "nothing was judged"
    good = counted(judged, "figure is as good as it was", "figures are as good as they were")
    return f"good: {good}"


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return ABSENT
    shown = f"{value:.4f}" if abs(value) < 100 else f"{value:.3f}"
    return _with_unit(shown, unit)


def _with_unit(number: str, unit: str) -> str:
    return f"{number} {unit}".rstrip()
