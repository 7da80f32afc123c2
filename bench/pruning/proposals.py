"""What a step may take away: of each group of channels, as few as save the step's cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from bench.pruning.width_table import WidthTable
from bench.pruning.widths import choose_units, kept_units
from bench.pruning.work import Work
from depthnet.network import DepthNetwork
from depthnet.pruning.groups import ChannelGroup
from depthnet.pruning.pruned import pruned


@dataclass(frozen=True)
class Proposal:
    """One group without some of its units: `keep` are those that stay, of `units`.

    `unit`: how many channels a unit is; `saves`: cycles, as the table estimates them.
    """

    group: str
    unit: int
    units: int
    keep: list[int]
    saves: float

    def apply(
        self, network: DepthNetwork, groups: Sequence[ChannelGroup] | None = None
    ) -> DepthNetwork:
        """The network without what is taken away; `groups` are its own, where they are known."""
        return pruned(network, {self.group: self.keep}, groups)


def propose(
    network: DepthNetwork,
    groups: Sequence[ChannelGroup],
    scores: Mapping[str, Tensor],
    table: WidthTable,
    needed: float,
    lanes: int,
) -> Iterator[Proposal]:
    """A proposal for each of the `groups`, if the table has it, that can save `needed` cycles.

    The units with the lowest of the `scores` go, and kept widths fill vectors of `lanes`.
    """
    work = Work(network)
    for group in groups:
        if group.name in table and (found := _fewest(group, work, table, needed, lanes)):
            kept, saves = found
            keep = choose_units(scores[group.name], kept)
            yield Proposal(group.name, group.unit, group.units, keep, saves)


def _fewest(
    group: ChannelGroup, work: Work, table: WidthTable, needed: float, lanes: int
) -> tuple[int, float] | None:
    """The most units that may stay, and what that saves; None where no width saves enough."""
    kept = kept_units(group, 1, lanes)
    while kept:
        saves = table.cycles(group.name, work.saved(group, kept))
        if saves >= needed:
            return kept, saves
        kept = kept_units(group, group.units - kept + 1, lanes)
    return None
