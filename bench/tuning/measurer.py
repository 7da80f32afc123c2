"""The interface of what measures the kernels of a network, for tuning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from compile.tuning.network import Trial
    from compile.tuning.running import Running

# Builds the network: as tuned (True), or with default schedules.
Build = Callable[[bool], "Trial"]


@dataclass(frozen=True)
class NetworkGain:
    """The cost of a tuned network over its cost with default schedules: `ratio`, `low`, `high`.

    `tuned` and `default` are those costs, in `unit`. Where a cost is exact, so is the ratio.
    """

    ratio: float
    low: float
    high: float
    tuned: float
    default: float
    unit: str

    @property
    def holds(self) -> bool:
        """Whether tuning gained anything beyond doubt."""
        return self.high < 1

    def to_dict(self) -> dict[str, Any]:
        """For JSON, with the gain as a share of the default cost."""
        return {"gain": 1 - self.ratio, **asdict(self), "holds": self.holds}


class NetworkMeasurer(Protocol):
    """Measures the kernels of trials beside those of the default schedules, and whole networks."""

    objective: str
    exact: bool

    @property
    def places(self) -> int:
        """How many trials can be measured at the same time."""

    def costs(self, trial: Trial, running: Running) -> Mapping[str, tuple[float, float]]:
        """The cost of each workload in the trial, and by default; see compile.tuning.tune."""

    def whole(self, build: Build) -> NetworkGain:
        """Compare the network as tuned with that of default schedules, each as it is used."""
