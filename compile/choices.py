"""What a schedule chooses among: its default or, where one was measured to be faster, as tuned.

A schedule asks for each choice by name and says what it may choose, the default that it computes
first and what is likelier to be fast before what is not. So whatever is legal is decided beside
the default, and a tuned choice that has become illegal gives way to it.

TVM's MetaSchedule, whose spaces are traces of a scheduled function, cannot express these: weights
are packed by the tile when an operator is written as loops, before there is a function.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Choose(Protocol):
    """Makes the choices of one workload."""

    def __call__(self, name: str, options: Sequence[T]) -> T:
        """One of `options`, of which the first is the default."""


def by_default(name: str, options: Sequence[T]) -> T:
    """The default choice."""
    return options[0]


@dataclass
class Choices:
    """Tuned choices by workload and name, and the account of what was asked for.

    `asked` are the options of each choice, the default first; `tuned` and `asked` hold options as
    text.
    """

    tuned: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    asked: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def pick(self, workload: str, name: str, options: Sequence[T]) -> T:
        """The tuned one of `options`, or the first, which is the default."""
        texts = [str(option) for option in options]
        if len(texts) == 1:
            return options[0]
        self.asked.setdefault(workload, {})[name] = texts
        wanted = self.tuned.get(workload, {}).get(name)
        return options[texts.index(wanted)] if wanted in texts else options[0]

    def of(self, workload: str) -> Choose:
        """`pick` for one workload; by default where it has no name."""
        return partial(self.pick, workload) if workload else by_default

    def taken(self, workload: str) -> dict[str, str]:
        """The choices of a workload that were asked for and made as tuned."""
        asked = self.asked.get(workload, {})
        tuned = self.tuned.get(workload, {})
        return {name: value for name, value in tuned.items() if value in asked.get(name, ())}


def describe(kind: str, leading: Sequence[int], channels: tuple[int, int], **facts: Any) -> str:
    """The name of a workload: all that its choices depend on, beside the target.

    `leading` are the edges of the output but for its channels, `channels` those in and out.
    """
    edges = "x".join(map(str, leading))
    words = [kind, edges, f"{channels[0]} to {channels[1]}"]
    for name, value in facts.items():
        several = isinstance(value, tuple)
        words.append(f"{name} {'x'.join(map(str, value)) if several else value}")
    return " ".join(words)


def around_default(default: int, legal: Sequence[int]) -> list[int]:
    """Numbers that may be chosen, the default first, then by how near they are, in ratio."""
    others = {number for number in legal if number != default}
    return [default, *sorted(others, key=lambda n: (max(n / default, default / n), n))]
