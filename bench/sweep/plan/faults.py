"""What is wrong with a plan, all of it, each with its place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from depthbench.errors import InputError

Place = tuple[int | str, ...]
"""Where in a plan: keys, and numbers of entries from 0."""

HEADER = re.compile(r"\s*(\[\[?)([\w.-]+)\]\]?\s*(#.*)?$")
"""A line that begins a table, or an entry of a list of tables."""


@dataclass
class Faults:
    """What is wrong with a plan, each with where: a line and a key of `file`, or an option.

    `options` are those that stand in place of the file's keys, by key: `models`, `score.data`. What
    is at the places `malformed` is not the plan's own.
    """

    file: Path | None = None
    text: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    found: dict[str, None] = field(default_factory=dict)
    malformed: set[Place] = field(default_factory=set)

    def add(self, place: Place, what: str) -> None:
        """Note a fault; the same one again is the same one."""
        self.found.setdefault(f"{self.where(place)}: {what}")

    def note(self, place: Place, error: InputError) -> None:
        """Note a fault that was raised."""
        self.add(place, str(error))

    def where(self, place: Place) -> str:
        """The place in words."""
        if option := self.by_option(place):
            return option
        keys = ", ".join(f"entry {one + 1}" if isinstance(one, int) else one for one in place)
        line = f":{number}" if (number := self._line(place)) else ""
        return ", ".join(filter(None, [f"{self.file or 'plan'}{line}", keys]))

    def by_option(self, place: Place) -> str | None:
        """The option that stands in place of a key of the file."""
        keys = (".".join(map(str, place[:length])) for length in (2, 1))
        return next((self.options[key] for key in keys if key in self.options), None)

    def _line(self, place: Place) -> int | None:
        """That of the innermost key that stands at the beginning of a line; None for none."""
        table: Place = ()
        entries: Counter[Place] = Counter()
        found = None
        for number, line in enumerate(self.text.splitlines(), start=1):
            here: Place
            if header := HEADER.match(line):
                here = table = tuple(header[2].split("."))
                if header[1] == "[[":
                    table = *here, entries[here]
                    entries[here] += 1
                    here = table if len(place) > len(here) else here
            elif key := re.match(r"\s*([\w-]+)\s*[.=]", line):
                here = *table, key[1]
            else:
                continue
            found = number if place[: len(here)] == here else found
        return found
