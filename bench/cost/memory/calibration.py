"""The estimate's two coefficients, fitted on public milliseconds, and how far they are off.

milliseconds x clock = factor x llvm-mca's cycles + clock x time of a line x lines written back

The factor is one for all devices, the time of a line each device's own. They are fitted by least
squares of relative errors, on every second network in the order of their milliseconds; the others
judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.cost.memory.public_latencies import PublicNetwork

# The fastest core of each measured device, in GHz.
CLOCKS_GHZ = {"pi5": 2.4, "sd855plus": 2.96}


@dataclass(frozen=True)
class Fit:
    """The factor of llvm-mca's cycles, and the nanoseconds of a line by device."""

    factor: float
    line_ns: dict[str, float]

    def milliseconds(self, network: PublicNetwork, device: str) -> float:
        """The estimate of one network."""
        computing = self.factor * network.est_cycles / CLOCKS_GHZ[device]
        return (computing + self.line_ns[device] * network.moved.written_back) / 1e6


def halves(
    networks: Sequence[PublicNetwork],
) -> tuple[list[PublicNetwork], list[PublicNetwork]]:
    """Those that are fitted on, and those that judge: the first, third, fifth, and the others."""
    return list(networks[::2]), list(networks[1::2])


def fit(networks: Sequence[PublicNetwork]) -> Fit:
    """The coefficients that leave the least sum of squared relative errors; none is negative."""
    from scipy.optimize import nnls

    devices = list(CLOCKS_GHZ)
    rows = []
    for network in networks:
        for i, device in enumerate(devices):
            row = np.zeros(1 + len(devices))
            row[0] = network.est_cycles / CLOCKS_GHZ[device]
            row[1 + i] = network.moved.written_back
            rows.append(row / 1e6 / network.milliseconds[device])
    solution, _ = nnls(np.array(rows), np.ones(len(rows)))
    factor, *lines = map(float, solution)
    return Fit(factor, dict(zip(devices, lines, strict=True)))


def without_memory(network: PublicNetwork, device: str) -> float:
    """Milliseconds of llvm-mca's cycles alone."""
    return network.est_cycles / CLOCKS_GHZ[device] / 1e6


def errors(found: Fit, networks: Sequence[PublicNetwork], device: str) -> NDArray[np.float64]:
    """Estimate over truth, less one, of each network."""
    ratios = [found.milliseconds(n, device) / n.milliseconds[device] for n in networks]
    return np.array(ratios) - 1


def leave_one_out(networks: Sequence[PublicNetwork], device: str) -> NDArray[np.float64]:
    """The error of each network by the coefficients of all others."""
    found = []
    for i, network in enumerate(networks):
        others = [*networks[:i], *networks[i + 1 :]]
        found.append(errors(fit(others), [network], device)[0])
    return np.array(found)


def spread(networks: Sequence[PublicNetwork], coverage: float) -> float:
    """The factor within which that share of errors lies, if their logarithms are normal.

    Of each network by the coefficients of all others, all devices together.
    """
    from scipy.stats import t

    off = np.concatenate([leave_one_out(networks, device) for device in CLOCKS_GHZ])
    deviation = float(np.sqrt(np.mean(np.log1p(off) ** 2)))
    return float(np.exp(t.ppf((1 + coverage) / 2, len(networks) - 1) * deviation))
