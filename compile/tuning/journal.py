"""What was measured so far, kept line by line, so that a search that ends early goes on later."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from depthbench.errors import InputError
from depthbench.files import make_folder


@dataclass(frozen=True)
class Measurement:
    """One trial of one workload: its cost and the default's, or why it was not measured.

    `options` are those that its choices led to, where they are not the default's.
    """

    workload: str
    choices: dict[str, str]
    tuned: float | None = None
    formula: float | None = None
    failed: str = ""
    options: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Round:
    """One network that was built and measured; `confirms` says that nothing new was tried."""

    seconds: float
    confirms: bool
    measured: tuple[Measurement, ...]


class Journal:
    """A file of JSON lines: first what is tuned, then one line a round.

    A line that was not written to its end is as if it had not been begun. What is tuned decides
    the name of the file, so that what is tuned in another way never meets it.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        """Open the journal of what `identity` tells apart, or begin it.

        Raises InputError where the file is there and is damaged.
        """
        first = json.dumps({"tuning": identity}, sort_keys=True)
        self.file = folder / f"{hashlib.sha256(first.encode()).hexdigest()[:16]}.jsonl"
        self.rounds: list[Round] = []
        try:
            content = self.file.read_bytes()
        except FileNotFoundError:
            content = b""
        whole = content[: content.rfind(b"\n") + 1]
        if not whole:
            make_folder(folder)
            self.file.write_text(f"{first}\n", encoding="utf-8")
            return
        try:
            for line in map(json.loads, whole.decode().splitlines()[1:]):
                measured = tuple(Measurement(**one) for one in line.pop("measured"))
                self.rounds.append(Round(**line, measured=measured))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InputError(f"{self.file}: a damaged journal of tuning; delete it") from error
        if len(whole) < len(content):
            os.truncate(self.file, len(whole))

    @property
    def seconds(self) -> float:
        """How long all rounds took together."""
        return sum(one.seconds for one in self.rounds)

    def add(self, one: Round) -> None:
        """Keep a round."""
        self.rounds.append(one)
        line = {**asdict(one), "measured": [_brief(each) for each in one.measured]}
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")


def _brief(measurement: Measurement) -> dict[str, Any]:
    return {name: value for name, value in asdict(measurement).items() if value not in ("", {})}
