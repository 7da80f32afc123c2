"""The search over all workloads of a network at once: rounds of trials until the time is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from typing import Generic, Protocol, TypeVar

from compile.records.tuned_choices import Record, Tuned
from compile.tuning.journal import Journal, Measurement, Round
from compile.tuning.network import Network, Trial
from compile.tuning.running import Running, differing
from compile.tuning.search import Search
from depthbench import cancellation
from depthbench.errors import CheckFailed

# Rounds at the end in which what looks best is measured again, where measuring is noisy.
CONFIRMING = 6
TOOLS = ("apache-tvm", "apache-tvm-ffi")


class Measurer(Protocol):
    """Says what the kernels of a network cost.

    `objective` names the cost, unit and place; `exact` says that it is the same every time, and
    `places` how many trials can be measured at the same time, in as many threads.
    """

    objective: str
    exact: bool

    @property
    def places(self) -> int: ...

    def costs(self, trial: Trial, running: Running) -> Mapping[str, tuple[float, float]]:
        """The cost of each workload's calls in the trial, and with the default choices.

        `running` is the trial, or its twin for this machine. What belongs to no workload is under
        the empty name.
        """


M = TypeVar("M", bound=Measurer)


@dataclass(frozen=True)
class State:
    """How far a search is, for people: `gain` is the network's so far, guessed from its kernels."""

    round: int
    workload: str
    best: str
    workload_gain: float
    gain: float
    seconds_left: float


@dataclass(frozen=True)
class Found:
    """What a search ends with: the records, their gain guessed, and how much was measured."""

    records: dict[str, Record]
    gain: float
    rounds: int
    measured: int
    failed: int
    workloads: int

    @property
    def choices(self) -> Tuned:
        """The choices by workload."""
        return {name: record.choices for name, record in self.records.items()}


class Tuning(Generic[M]):
    """A search that goes on where its journal ends."""

    def __init__(
        self,
        network: Network,
        name: str,
        measurer: Callable[[Trial, Running], M],
        journal: Journal,
        *,
        seed: int = 0,
        known: Tuned | None = None,
    ) -> None:
        """Build the default network, and take in what the journal holds.

        `known` are choices to try first. Raises CheckFailed where nothing can be chosen.
        """
        self._network, self._name, self._journal = network, name, journal
        self.baseline = network.build({})
        running = self._running(self.baseline)
        self._expected = running.results()
        known_kernels = set(self.baseline.kernels.values())
        asked = {
            workload: options
            for workload, options in self.baseline.choices.asked.items()
            if workload in known_kernels  # others are joined with what a choice would part
        }
        if not asked:
            raise CheckFailed(f"{name}: no operator whose schedule has a choice; nothing to tune")
        self.measurer = measurer(self.baseline, running)
        self._searches = {
            workload: Search(
                workload,
                options,
                seed=seed,
                exact=self.measurer.exact,
                known=(known or {}).get(workload),
            )
            for workload, options in asked.items()
        }
        self._default_costs: dict[str, float] = {}
        for one in journal.rounds:
            self._take_in(one)

    def run(self, seconds: float, report: Callable[[State], None] = lambda state: None) -> Found:
        """Measure until the journal's rounds took `seconds` in all; at least one round.

        Raises CheckFailed where nothing could be measured.
        """
        confirming = 0 if self.measurer.exact else CONFIRMING
        while True:
            cancellation.check()
            rounds = self._journal.rounds
            left = seconds - self._journal.seconds
            each = self._journal.seconds / len(rounds) if rounds else 0.0
            confirmed = _confirmed(rounds)
            confirms = bool(rounds) and left < (confirming + 1) * each
            if rounds and (confirmed >= confirming if confirms else False):
                break
            if not self._round(confirms) and (confirms or confirmed >= confirming):
                break
            report(self._state(max(0.0, seconds - self._journal.seconds)))
        return self._found()

    def _round(self, confirms: bool) -> bool:
        """Build and measure one network a place; whether there was anything to try."""
        begin = time.monotonic()
        proposed: list[Tuned] = []
        built = []
        for _ in range(max(1, self.measurer.places)):
            choices = self._choose(confirms, proposed)
            if not choices:
                break
            proposed.append(choices)
            built.append(self._right(choices))
        for choices, (trial, _, failed), costs in zip(
            proposed, built, self._costs(built), strict=True
        ):
            measured = [
                Measurement(name, choices[name], failed=why) for name, why in failed.items()
            ]
            for name, made in trial.choices.tuned.items():
                measured.append(self._measurement(name, dict(made), trial, costs.get(name)))
            # Of rounds at the same time, the first has the seconds.
            now = time.monotonic()
            one = Round(now - begin, confirms, tuple(measured))
            begin = now
            self._journal.add(one)
            self._take_in(one)
        return bool(proposed)

    def _choose(self, confirms: bool, proposed: Sequence[Tuned]) -> dict[str, dict[str, str]]:
        """What each workload tries next, beside what was `proposed` in this round."""
        found = {}
        for name, search in self._searches.items():
            under_way = [dict(choices[name]) for choices in proposed if name in choices]
            if chosen := search.again() if confirms else search.propose(under_way):
                found[name] = chosen
        return found

    def _costs(
        self, built: Sequence[tuple[Trial, Running, dict[str, str]]]
    ) -> list[Mapping[str, tuple[float, float]]]:
        """The costs of trials, measured at the same time where there are several."""

        def costs(one: tuple[Trial, Running, dict[str, str]]) -> Mapping[str, tuple[float, float]]:
            return self.measurer.costs(*one[:2]) if one[0].choices.tuned else {}

        if len(built) < 2:
            return list(map(costs, built))
        with ThreadPoolExecutor(len(built)) as pool:
            return list(pool.map(costs, built))

    def _right(self, choices: Tuned) -> tuple[Trial, Running, dict[str, str]]:
        """A network with the choices that compute what the default ones do, and why not others."""
        failed: dict[str, str] = {}
        while True:
            trial = self._network.build(
                {name: choices[name] for name in choices if name not in failed}
            )
            running = self._running(trial)
            failed |= {name: "the schedule does not fit" for name in trial.failed & set(choices)}
            wrong = differing(running.results(), self._expected, self._network.numbers.tolerance)
            if wrong is not None:
                # Whoever is to blame, it is none that keeps to its default.
                guilty = [wrong] if wrong in trial.choices.tuned else list(trial.choices.tuned)
                failed |= dict.fromkeys(guilty, "computes something else")
            if not failed.keys() & trial.choices.tuned.keys():
                return trial, running, failed

    def _measurement(
        self, name: str, chosen: dict[str, str], trial: Trial, cost: tuple[float, float] | None
    ) -> Measurement:
        if cost is None:
            return Measurement(name, chosen, failed="not measured")
        default, options = self._searches[name].options, trial.choices.asked.get(name, {})
        others = {knob: texts for knob, texts in options.items() if default.get(knob) != texts}
        return Measurement(name, chosen, *cost, options=others)

    def _running(self, trial: Trial) -> Running:
        return Running(trial, self._network.source, self._network.machine.threads)

    def _take_in(self, one: Round) -> None:
        for each in one.measured:
            search = self._searches.get(each.workload)
            if search is None:
                continue
            ratio = each.tuned / each.formula if each.tuned and each.formula else None
            search.add(each.choices, {**search.options, **each.options}, ratio, each.failed)
            if each.formula:
                self._default_costs[each.workload] = each.formula

    def _found(self) -> Found:
        measured = [one for each in self._journal.rounds for one in each.measured]
        good = [one for one in measured if not one.failed]
        if not good:
            reasons = sorted({one.failed for one in measured})
            raise CheckFailed(f"{self._name}: nothing was measured: {'; '.join(reasons)}")
        records = {}
        tools = {tool: metadata.version(tool) for tool in TOOLS}
        for name, search in self._searches.items():
            if (best := search.best()) and best.choices:
                default = self._default_costs[name]
                records[name] = Record(
                    dict(sorted(best.choices.items())),
                    self.measurer.objective,
                    round(best.ratio * default, 1),
                    round(default, 1),
                    self._name,
                    tools,
                )
        return Found(
            records,
            self._gain(),
            len(self._journal.rounds),
            len(good),
            len(measured) - len(good),
            len(self._searches),
        )

    def _gain(self) -> float:
        """The share of the workloads' cost that the best choices save."""
        whole = sum(self._default_costs.values())
        saved = sum(
            (1 - best.ratio) * self._default_costs[name]
            for name, search in self._searches.items()
            if (best := search.best())
        )
        return saved / whole if whole else 0.0

    def _state(self, left: float) -> State:
        """The state, with one of the costliest workloads, another each round."""
        ordered = sorted(self._default_costs, key=lambda name: (-self._default_costs[name], name))
        count = len(self._journal.rounds)
        if not ordered:
            return State(count, "-", "-", 0.0, 0.0, left)
        workload = ordered[count % len(ordered)]
        best = self._searches[workload].best()
        if best is None:
            return State(count, workload, "the default", 0.0, self._gain(), left)
        chosen = ", ".join(f"{name} {value}" for name, value in best.choices.items())
        return State(count, workload, chosen, 1 - best.ratio, self._gain(), left)


def _confirmed(rounds: list[Round]) -> int:
    """How many rounds at the end tried nothing new."""
    count = 0
    for one in reversed(rounds):
        if not one.confirms:
            break
        count += 1
    return count
