"""How long the kernels of a network take on this machine, beside the default schedules' kernels."""

from __future__ import annotations

from statistics import median

from compile.tuning.network import Trial
from compile.tuning.running import Running

# Inferences of each network a round, in turns.
TURNS = 16


class HostMeasurer:
    """Runs a trial and the default network in turns, each watched kernel by kernel.

    What the machine does beside it falls on both alike.
    """

    objective = "nanoseconds in the network, this processor"
    exact = False
    places = 1

    def __init__(self, trial: Trial, running: Running) -> None:
        self._default = running

    def costs(self, trial: Trial, running: Running) -> dict[str, tuple[float, float]]:
        """The median time of each workload in the trial, and in the default network."""
        both = running, self._default
        times: tuple[list[dict[str, int]], ...] = ([], [])
        for turn in range(TURNS):
            for place in (0, 1) if turn % 2 else (1, 0):
                times[place].append(both[place].times())
        ours, theirs = times
        return {
            name: (median(one[name] for one in ours), median(one[name] for one in theirs))
            for name in ours[0]
        }
