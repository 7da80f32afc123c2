"""NetAdapt (Yang et al. 2018): step by step fewer cycles, by what costs least accuracy.

Each step has a cost to save. For each group of channels a proposal takes away as few channels as
save it, those of the smallest importance first. All proposals are compared by their loss on
training pairs as they are; the few best are fine-tuned briefly, and the one that scores best on
pairs held out is taken, and counted whole. The paper fine-tunes all proposals.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.pruning.counted_network import Counter
from bench.pruning.fine_tuning import (
    Lessons,
    brief_lessons,
    brief_recipe,
    fine_tune,
    held_out_scores,
    mean_importance,
    mean_loss,
    probe_batches,
)
from bench.pruning.proposals import Proposal, propose
from bench.pruning.search_state import SearchState
from bench.pruning.width_table import WidthTable, count_widths
from depthbench import cancellation
from depthbench.errors import InputError
from depthbench.progress import Progress
from depthnet.network import DepthNetwork
from depthnet.pruning.groups import channel_groups
from depthnet.training.objectives.objective import Objective
from depthnet.training.progress import Moment
from depthnet.training.run import describe
from depthnet.training.validation import validate
from depthnet.weights.formats import save_weights

PROBE_BATCHES = 3
MEGA = 1e6


@dataclass(frozen=True)
class Pace:
    """How a search goes: `step` is the share of the first network's cycles that each step saves.

    `finalists`: how many proposals of a step are fine-tuned, on `pairs` each.
    """

    step: float = 0.03
    finalists: int = 2
    pairs: int = 320

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


class Search:
    """A search in a folder, which goes on where it was interrupted.

    `open_network` makes the network of a weights file; `before` is the record of the first one's.
    """

    def __init__(
        self,
        start: DepthNetwork,
        lessons: Lessons,
        pace: Pace,
        lanes: int,
        count: Counter,
        open_network: Callable[[Path], DepthNetwork],
        before: Mapping[str, Any],
        state: SearchState,
        folder: Path,
        *,
        status: Progress = lambda line: None,
        progress: Callable[[Moment], None] = lambda moment: None,
    ) -> None:
        self.first = start
        self.lessons = lessons
        self.pace = pace
        self.lanes = lanes
        self.count = count
        self.open_network = open_network
        self.before = dict(before)
        self.state = state
        self.folder = folder
        self.status = status
        self.progress = progress
        self.recipe = brief_recipe()
        self.objective = Objective(self.recipe, start.entry.depth_space)

    @property
    def cycles(self) -> float:
        """Of the network that the search has come to, as counted."""
        last = self.state.steps[-1] if self.state.steps else self.state.start
        return float(last["cycles"])

    def share(self, number: int) -> int:
        """The percentage of the first network's cycles that a step left."""
        return round(100 * self.state.steps[number - 1]["cycles"] / self.state.start["cycles"])

    def network(self) -> DepthNetwork:
        """The network that the search has come to."""
        number = len(self.state.steps)
        return self.open_network(self.weights(number)) if number else self.first

    def begin(self) -> None:
        """Count and score the network that it starts from."""
        if self.state.start:
            return
        self.status("counting the network as it is")
        held_out = self.lessons.data.held_out
        assert held_out is not None
        counted = self.count(self.first)
        scores = validate(self.first, held_out)
        self.state.start = {**asdict(counted), "held_out": _short(scores)}
        self.state.save(self.folder)

    def run(self, allowed: float) -> None:
        """Take steps until the network's cycles are `allowed`.

        Raises InputError where no group can save a step's cycles any more, and what counting and
        training do.
        """
        table = self._table()
        while self.cycles > allowed:
            cancellation.check()
            needed = min(self.pace.step * self.state.start["cycles"], self.cycles - allowed)
            self._step(table, needed)

    def _table(self) -> WidthTable:
        def keep(row: dict[str, Any]) -> None:
            self.state.table.append(row)
            self.state.save(self.folder)

        return count_widths(
            *(self.first, self.state.start["cycles"], self.pace.step, self.lanes, self.count),
            *(self.state.table, keep, self.status),
        )

    def _step(self, table: WidthTable, needed: float) -> None:
        began = time.monotonic()
        number = len(self.state.steps) + 1
        current = self.network()
        if not self.state.finalists:
            self.state.finalists = self._finalists(current, table, needed, number)
            self.state.save(self.folder)
        tuned = []
        for row in self.state.finalists:
            proposal = Proposal(**row["proposal"])
            tuned.append((row, proposal, self._tune(current, proposal, number)))
        row, proposal, (network, scores, record) = max(tuned, key=lambda one: one[2][1]["delta1"])
        save_weights(network, self.weights(number), record | {"before": self.before})
        network = self.open_network(self.weights(number))
        self.status(f"step {number}: counting the network")
        counted = self.count(network)
        self.state.steps.append(
            {
                "step": number,
                "group": proposal.group,
                "channels": [proposal.units * proposal.unit, len(proposal.keep) * proposal.unit],
                "estimated_cycles": self.cycles - proposal.saves,
                **asdict(counted),
                "loss": row["loss"],
                "held_out": scores,
                "proposals": row["proposals"],
                "tuned": [
                    {"group": p.group, "loss": r["loss"], "delta1": s["delta1"]}
                    for r, p, (_, s, _) in tuned
                ],
                "widths": {group.name: group.channels for group in channel_groups(network)},
                "seconds": round(time.monotonic() - began, 1),
            }
        )
        self.state.finalists = []
        self.state.save(self.folder)
        shutil.rmtree(self._folder(number) / "tuned", ignore_errors=True)

    def _finalists(
        self, current: DepthNetwork, table: WidthTable, needed: float, number: int
    ) -> list[dict[str, Any]]:
        """The proposals of the least loss, as plain values."""
        self.status(f"step {number}: proposals")
        batches = probe_batches(self.lessons, current, self.recipe, PROBE_BATCHES)
        groups = channel_groups(current)
        scores = mean_importance(current, batches, self.objective)
        rows: list[dict[str, Any]] = []
        for proposal in propose(current, groups, scores, table, needed, self.lanes):
            cancellation.check()
            loss = mean_loss(proposal.apply(current, groups), batches, self.objective)
            rows.append({"proposal": asdict(proposal), "loss": loss})
            self.status(f"step {number}: proposal {len(rows)}, {proposal.group}, loss {loss:.3f}")
        if not rows:
            raise InputError(
                f"no group of channels can save {needed / MEGA:.2f} M cycles any more, at "
                f"{self.cycles / MEGA:.1f} M",
                advice="give a larger --budget, or a smaller --step",
            )
        rows.sort(key=lambda row: row["loss"])
        return [{**row, "proposals": len(rows)} for row in rows[: self.pace.finalists]]

    def _tune(
        self, current: DepthNetwork, proposal: Proposal, number: int
    ) -> tuple[DepthNetwork, dict[str, float], dict[str, Any]]:
        """The proposal fine-tuned briefly, its scores on pairs held out, and its record."""
        self.status(f"step {number}: fine-tuning without {proposal.group}'s least")
        lessons = brief_lessons(self.lessons, number, self.pace.pairs)
        folder = self._folder(number) / "tuned" / proposal.group
        tune = partial(fine_tune, progress=self.progress)
        trainer = tune(proposal.apply(current), self.recipe, lessons, folder)
        return trainer.end(), held_out_scores(trainer), describe(trainer)

    def _folder(self, number: int) -> Path:
        return self.folder / "steps" / f"{number:02d}"

    def weights(self, number: int) -> Path:
        """The weights file of a step."""
        return self._folder(number) / f"{self.first.entry.name}.safetensors"


def _short(scores: Mapping[str, float]) -> dict[str, float]:
    return {name: float(scores[name]) for name in ("rmse", "rel", "delta1")}
