"""What a workload tries next, given all that it has tried.

A search by steps: from the best choices known so far, one choice changes at a time, those first
that the schedule ranks high, with some chance. Where measuring is noisy, what looks best is now
and then measured again, in another build, so that luck wears off.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

Choices = dict[str, str]
Options = dict[str, list[str]]

# One measurement of a kernel in its network is off by some 2 %, with where its memory happens to
# lie; another build lies elsewhere.
NOISE = 0.02
# A smaller gain is not worth leaving the default for, which knows of caches that a cost may not.
WORTH = 0.01
# Every so many rounds, what looks best is measured again.
AGAIN = 4
# How far the order of options strays from the schedule's: the spread of a factor on their rank.
STRAY = 0.5


@dataclass
class Tried:
    """Some choices of a workload: the ratio to the default's cost each time they were measured.

    `options` are what there was to choose; `failed` says why nothing can be measured.
    """

    choices: Choices
    options: Options
    ratios: list[float] = field(default_factory=list)
    failed: str = ""

    @property
    def ratio(self) -> float:
        """The best guess of the ratio."""
        return median(self.ratios) if self.ratios else math.inf

    def bound(self, noise: float, side: int) -> float:
        """The ratio if luck was bad (`side` -1: it is lower) or good (1: it is higher)."""
        return self.ratio + side * noise / math.sqrt(max(1, len(self.ratios)))


class Search:
    """The search over one workload's choices.

    `options` are those of the default choices, `known` choices that were good before, which
    are tried first; `exact` says that a measurement would give the same again.
    """

    def __init__(
        self,
        workload: str,
        options: Options,
        *,
        seed: int,
        exact: bool,
        known: Mapping[str, str] | None = None,
    ) -> None:
        self.workload = workload
        self.options = options
        self._seed = seed
        self._noise = 0.0 if exact else NOISE
        self._known = dict(known or {})
        self._tried: dict[tuple[tuple[str, str], ...], Tried] = {}
        self._measured = 0

    @property
    def tried(self) -> list[Tried]:
        """All that was tried."""
        return list(self._tried.values())

    def add(
        self, choices: Choices, options: Options, ratio: float | None, failed: str = ""
    ) -> None:
        """Take in a measurement: the ratio to the default's cost, or why there is none."""
        tried = self._tried.setdefault(_key(choices), Tried(choices, options))
        self._measured += 1
        if ratio is None:
            tried.failed = failed or "not measured"
        else:
            tried.ratios.append(ratio)

    def best(self) -> Tried | None:
        """What is better than the default beyond doubt, by enough, and the best of that."""
        good = [one for one in self._sound() if one.bound(self._noise, 1) < 1 - WORTH]
        return min(good, key=lambda one: one.bound(self._noise, 1), default=None)

    def again(self) -> Choices:
        """What is most worth measuring once more: it may be the best; none where nothing may be."""
        promising = [one for one in self._sound() if one.bound(self._noise, -1) < 1]
        chosen = min(promising, key=lambda one: one.bound(self._noise, -1), default=None)
        return dict(chosen.choices) if chosen else {}

    def propose(self, under_way: Sequence[Choices] = ()) -> Choices:
        """What to try next; the default choices, which are none, where nothing is left.

        What is `under_way`, being measured elsewhere at this time, is not proposed as new.
        """
        begun = {*self._tried, *map(_key, under_way)}
        if self._known and not begun:
            return dict(self._known)
        if self._noise and self._measured % AGAIN == AGAIN - 1 and (choices := self.again()):
            return choices
        best = self.best()
        bases = [(best.choices, best.options)] if best else []
        for choices, options in [*bases, ({}, self.options)]:
            rng = random.Random(f"{self._seed} {self.workload} {sorted(choices.items())}")
            for neighbour in _neighbours(choices, options, rng):
                if neighbour and _key(neighbour) not in begun:
                    return neighbour
        return self.again() if self._noise else {}

    def _sound(self) -> list[Tried]:
        return [one for one in self._tried.values() if one.ratios and not one.failed]


def _neighbours(
    choices: Choices, options: Mapping[str, Sequence[str]], rng: random.Random
) -> Iterator[Choices]:
    """All choices that differ in one, the likelier first."""
    found = []
    for name in sorted(options):
        for rank, option in enumerate(options[name]):
            neighbour = {key: value for key, value in choices.items() if key != name}
            if rank:
                neighbour[name] = option
            found.append(((rank + 1) * math.exp(rng.gauss(0, STRAY)), neighbour))
    yield from (neighbour for _, neighbour in sorted(found, key=lambda one: one[0]))


def _key(choices: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(choices.items()))
