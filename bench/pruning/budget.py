"""How many cycles a pruned network may take."""

from __future__ import annotations

import re
from dataclasses import dataclass

from depthbench.errors import InputError

UNITS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}
LEAST_CYCLES = 1e3
"""No network takes so few: what is less is meant as a share."""


@dataclass(frozen=True)
class Budget:
    """Estimated cycles of one inference, or a `share` of what the network takes now."""

    cycles: float = 0.0
    share: float = 0.0

    def __str__(self) -> str:
        return f"{100 * self.share:g}%" if self.share else f"{self.cycles / 1e6:g}M"

    def of(self, now: float) -> float:
        """The cycles that are allowed, where the network takes `now`.

        Raises InputError where that is within the budget.
        """
        allowed = self.share * now if self.share else self.cycles
        if allowed >= now:
            raise InputError(
                f"the network takes {now / 1e6:.1f} M cycles, within the budget of "
                f"{allowed / 1e6:.1f} M",
                advice="give a smaller --budget",
            )
        return allowed


def read_budget(text: str) -> Budget:
    """The budget that is written as cycles (58.9M) or as a share (70%); raises InputError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%|[kmg]?)", text.strip().lower())
    if match and match[2] == "%" and 0 < float(match[1]) < 100:
        return Budget(share=float(match[1]) / 100)
    if match and match[2] != "%":
        cycles = float(match[1]) * UNITS[match[2]]
        if cycles >= LEAST_CYCLES:
            return Budget(cycles=cycles)
    raise InputError(
        f"budget {text!r}", advice="give cycles, as 58.9M, or a share of the network's own, as 70%"
    )
