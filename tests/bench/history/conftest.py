"""Records of a model over commits, and a checkout that knows these."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bench.records.record import Record

Make = Callable[..., Record]


@pytest.fixture
def at(make_record: Make) -> Callable[..., Record]:
    """Make a record of a day of 2026, and of a commit."""

    def make(day: int, kind: str, commit: str | None = None, **changes: Any) -> Record:
        dirty = changes.pop("dirty", False)
        conditions = changes.pop("conditions", {})
        record = deepcopy(make_record(kind, **changes))
        record["time"] = f"2026-{1 + day // 28:02}-{1 + day % 28:02}T12:00:00+00:00"
        git = {"commit": commit, "dirty": dirty} if commit else None
        record["conditions"] |= {"git": git, **conditions}
        return record

    return make


@pytest.fixture
def latencies(at: Callable[..., Record]) -> Callable[..., list[Record]]:
    """Make latencies of one network on one phone, a day apart."""

    def make(medians: list[float], **changes: Any) -> list[Record]:
        return [
            at(day, "latency", f"{day:040x}", **{**_times(p50), **changes})
            for day, p50 in enumerate(medians, start=1)
        ]

    return make


def _times(p50: float) -> dict[str, Any]:
    return {"p50_ms": p50, "p90_ms": 1.02 * p50}


@dataclass
class Checkout:
    """A repository of empty commits, by name."""

    root: Path
    commits: dict[str, str] = field(default_factory=dict)

    def git(self, *arguments: str, day: int = 0) -> str:
        date = f"2026-01-{1 + day:02}T08:00:00+00:00"
        environment = {**os.environ, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        command = ["git", "-C", str(self.root), *who, *arguments]
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, name: str, day: int) -> str:
        self.git("commit", "--quiet", "--allow-empty", "-m", name, day=day)
        self.commits[name] = self.git("rev-parse", "HEAD")
        return self.commits[name]


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Commits a to d in a line, and x and y on a branch from b."""
    made = Checkout(tmp_path_factory.mktemp("checkout"))
    made.git("init", "--quiet", "--initial-branch", "main")
    for day, name in enumerate("abcd"):
        made.commit(name, 2 * day)
    made.git("checkout", "--quiet", "-b", "side", made.commits["b"])
    for day, name in ((3, "x"), (5, "y")):
        made.commit(name, day)
    return made
