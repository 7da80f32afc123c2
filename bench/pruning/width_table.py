"""What channels are worth in cycles: a table of networks counted at few widths.

A group of channels is counted at half of its width, all others whole: the cycles that this saves,
by the multiply-adds that it saves, are the group's rate. Between widths, and when other groups have
become narrower, cycles are in proportion to multiply-adds, which are known exactly. Groups that
look alike, as those of the repeated blocks of a stage do, are counted once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.pruning.counted_network import Counter
from bench.pruning.widths import kept_units
from bench.pruning.work import Work
from depthbench import cancellation
from depthbench.progress import Progress
from depthnet.network import DepthNetwork
from depthnet.pruning.groups import ChannelGroup, channel_groups
from depthnet.pruning.pruned import pruned


@dataclass(frozen=True)
class Row:
    """A group at `counted_at` of its units: what that saves of the whole network.

    `group` is the one that was counted, `alike` all that look like it.
    """

    group: str
    alike: list[str]
    units: int
    counted_at: int
    macs_saved: int
    cycles_saved: float

    @property
    def rate(self) -> float:
        """Cycles that go with a multiply-add."""
        return max(self.cycles_saved, 0.0) / self.macs_saved


class WidthTable:
    """Cycles that go with the multiply-adds of each group."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rates = {name: row.rate for row in rows for name in row.alike}

    def __contains__(self, group: str) -> bool:
        return group in self._rates

    def cycles(self, group: str, macs: int) -> float:
        """The cycles that so many multiply-adds of a group take."""
        return self._rates[group] * macs


def count_widths(
    network: DepthNetwork,
    cycles: float,
    least: float,
    lanes: int,
    count: Counter,
    known: Sequence[Mapping[str, Any]],
    keep: Callable[[dict[str, Any]], None],
    progress: Progress = lambda line: None,
) -> WidthTable:
    """Count a network, which takes `cycles`, with each kind of group at half of its width.

    Groups that hold less than the share `least` of the multiply-adds are left as they are.
    `lanes`: of the vectors that kept widths fill. Rows that are `known` are not counted again;
    each that is, goes to `keep`. Raises what `count` does.
    """
    rows = [Row(**row) for row in known]
    done = {row.group for row in rows}
    groups = channel_groups(network)
    missing = [row for row in _uncounted(network, groups, least, lanes) if row.group not in done]
    for turn, row in enumerate(missing, start=1):
        cancellation.check()
        progress(f"counting widths: {turn} of {len(missing)}, {row.group}")
        narrow = count(pruned(network, {row.group: range(row.counted_at)}, groups))
        counted = Row(**{**asdict(row), "cycles_saved": cycles - narrow.cycles})
        keep(asdict(counted))
        rows.append(counted)
    return WidthTable(rows)


def _uncounted(
    network: DepthNetwork, groups: Sequence[ChannelGroup], least: float, lanes: int
) -> Iterator[Row]:
    """A row for each kind of group, with nothing counted."""
    work = Work(network)
    kinds: dict[tuple[int, int, int], list[tuple[ChannelGroup, int]]] = {}
    for group in groups:
        half = kept_units(group, group.units / 2, lanes)
        if half and work.saved(group, 0) >= least * work.macs:
            saved = work.saved(group, half)
            kinds.setdefault((group.units, group.unit, saved), []).append((group, half))
    for (units, _, saved), found in kinds.items():
        first, half = found[0]
        yield Row(first.name, [group.name for group, _ in found], units, half, saved, 0.0)
