"""Where are the kernels of a network measured?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from compile.tuning.network import Trial
    from compile.tuning.running import Running

# Builds the network: as tuned, or by formula.
Build = Callable[[bool], "Trial"]


@dataclass(frozen=True)
class Whole:
    """The cost of a network as tuned over its cost by formula, and between what it lies.

    `tuned` and `formula` are those costs, in `unit`. Where a cost is exact, so is the ratio.
    """

    ratio: float
    low: float
    high: float
    tuned: float
    formula: float
    unit: str

    @property
    def holds(self) -> bool:
        """Whether tuning gained anything beyond doubt."""
        return self.high < 1

    def to_dict(self) -> dict[str, Any]:
        """For JSON, with the gain as a share of the formula's cost."""
        return {"gain": 1 - self.ratio, **asdict(self), "holds": self.holds}


class Place(Protocol):
    """Measures the kernels of trials beside those of the formulas, and whole networks."""

    objective: str
    exact: bool

    @property
    def places(self) -> int:
        """How many trials can be measured at the same time."""

    def costs(self, trial: Trial, running: Running) -> Mapping[str, tuple[float, float]]:
        """The cost of each workload in the trial, and by formula; see compile.tuning.tune."""

    def whole(self, build: Build) -> Whole:
        """Compare the networks by formula and as tuned, as they are used."""
