"""What is wrong with a plan, all of it, each with its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from depthbench.errors import InputError

Place = tuple[int | str, ...]
"""Where in a plan: keys, and numbers of entries from 0."""


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
        for length in (2, 1):
            if option := self.options.get(".".join(map(str, place[:length]))):
                return option
        keys = ", ".join(f"entry {one + 1}" if isinstance(one, int) else one for one in place)
        line = f":{number}" if (number := self._line(place)) else ""
        return ", ".join(filter(None, [f"{self.file or 'plan'}{line}", keys]))

    def _line(self, place: Place) -> int | None:
        """That of the innermost key that stands at the beginning of a line; None for none."""
        table, found = "", None
        for number, line in enumerate(self.text.splitlines(), start=1):
            if header := re.match(r"\s*\[+([^\]]*)\]", line):
                table = header[1].strip()
                found = number if place[:1] == (table,) else found
            elif key := re.match(r"\s*([\w-]+)\s*[.=]", line):
                here = (table, key[1]) if table else (key[1],)
                found = number if place[: len(here)] == here else found
        return found
