"""In which order runs stand: their code's where the checkout knows it, else their dates'."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from bench.records.provenance import ROOT
from bench.records.record import Record
from depthbench.errors import InputError, ToolMissing
from depthbench.plural import counted
from depthbench.processes import run_program

COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True)
class Ancestry:
    """Of the commits that a checkout knows: their `rank` (ancestors first), their `dates`, and
    which of the others each comes after."""

    rank: dict[str, int] = field(default_factory=dict)
    dates: dict[str, datetime] = field(default_factory=dict)
    ancestors: dict[str, frozenset[str]] = field(default_factory=dict)

    def follows(self, later: str | None, earlier: str | None) -> bool:
        """Whether `later` holds the code of `earlier`, or nobody knows that it does not."""
        if later is None or earlier is None or later == earlier:
            return True
        if later not in self.rank or earlier not in self.rank:
            return True
        return earlier in self.ancestors[later]


def commit_of(record: Record) -> str | None:
    """The whole commit that made a record; None where it is of no known one."""
    commit = (record["conditions"].get("git") or {}).get("commit")
    return commit if isinstance(commit, str) and COMMIT.fullmatch(commit) else None


def is_dirty(record: Record) -> bool:
    """Whether the code differed from its commit."""
    return bool((record["conditions"].get("git") or {}).get("dirty"))


def short_commit(commit: str | None, dirty: bool) -> str:
    """Seven digits of a commit, with a star where files were changed; a question mark for none."""
    return f"{commit[:7] if commit else '?'}{'*' if dirty else ''}"


def date_of(record: Record) -> datetime:
    """When a record was made, UTC; raises InputError where that is no date."""
    try:
        date = datetime.fromisoformat(record["time"])
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"record {record['id']}: time {record['time']!r} is no date",
            advice="write it as 2026-01-31T12:00:00+00:00",
        ) from error


def read_ancestry(commits: Iterable[str], root: Path = ROOT) -> Ancestry:
    """What the checkout that `root` is the top of knows of some commits; nothing without git."""
    asked = sorted(set(commits))
    if not asked or not (root / ".git").exists():
        return Ancestry()
    options = ["--ignore-missing", "--date-order", "--format=%H %ct %P"]
    try:
        done = run_program(["git", "-C", str(root), "log", *options, *asked, "--"], "git")
    except ToolMissing:
        return Ancestry()
    wanted, before = set(asked), dict[str, frozenset[str]]()
    known = Ancestry()
    for line in reversed(done.output.splitlines()):
        commit, seconds, *parents = line.split()
        at = frozenset[str]().union(*(before.get(parent, frozenset()) for parent in parents))
        if commit in wanted:
            known.rank[commit] = len(known.rank)
            known.dates[commit] = datetime.fromtimestamp(int(seconds), UTC)
            known.ancestors[commit] = at
            at |= {commit}
        before[commit] = at
    return known


def count_between(earlier: str, later: str, root: Path = ROOT) -> int:
    """How many commits `later` has that `earlier` has not; both are known to the checkout."""
    counted = run_program(
        ["git", "-C", str(root), "rev-list", "--count", f"{earlier}..{later}"], "git"
    )
    return int(counted.output)


def order_runs(records: Sequence[Record], ancestry: Ancestry) -> list[Record]:
    """Records of commits that the checkout knows by these, and then by date.

    Others stand where their dates put them: after the last of those that is not of a later date.
    """
    by_date = sorted(records, key=date_of)
    known = [record for record in by_date if commit_of(record) in ancestry.rank]
    known.sort(key=lambda record: ancestry.rank[str(commit_of(record))])
    dates = [date_of(record) for record in known]
    after: dict[int, list[Record]] = {}
    for record in by_date:
        if commit_of(record) not in ancestry.rank:
            earlier = [place for place, date in enumerate(dates) if date <= date_of(record)]
            after.setdefault(earlier[-1] if earlier else -1, []).append(record)
    ordered = list(after.get(-1, []))
    for place, record in enumerate(known):
        ordered += [record, *after.get(place, [])]
    return ordered


def clock_faults(records: Sequence[Record], ancestry: Ancestry, one_file: bool) -> list[str]:
    """What is wrong with the dates of records, a line each: a clock that was set, or is wrong.

    `records` are in the order of their file; of several files that order says nothing.
    """
    told = []
    dates = [date_of(record) for record in records]
    backwards = sum(b < a for a, b in pairwise(dates)) if one_file else 0
    if backwards:
        told.append(
            f"dates go backwards in the file {_times(backwards)}: a clock was set, or files were "
            "joined"
        )
    ahead = sum(date > datetime.now(UTC) for date in dates)
    if ahead:
        told.append(f"{_runs(ahead)} dated in the future: a clock is wrong")
    early = sum(
        date < ancestry.dates[commit]
        for date, record in zip(dates, records, strict=True)
        if (commit := commit_of(record)) in ancestry.dates
    )
    if early:
        told.append(f"{_runs(early)} dated before the commit that was measured: a clock was wrong")
    return told


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _runs(count: int) -> str:
    return f"{counted(count, 'record')} {'is' if count == 1 else 'are'}"
