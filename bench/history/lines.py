"""Which records are on one line: those that measure the same thing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.history.figures import TOPICS, Topic
from bench.records.comparability import find
from bench.records.record import Record
from bench.report.escape import plain
from bench.report.wording import pairs


@dataclass(frozen=True)
class Line:
    """Records of one topic that measure the same thing: what that is, in words, and details."""

    topic: Topic
    identity: Mapping[str, Any]
    subject: str
    details: str
    records: tuple[Record, ...]


def group_lines(records: Sequence[Record]) -> list[Line]:
    """The lines of records, topic by topic, each in the order of `records`.

    No two of a topic are described alike. An artefact of one commit has one size, however often
    it was measured.
    """
    lines: list[Line] = []
    for topic in TOPICS:
        found: dict[str, list[Record]] = {}
        for record in records:
            if record["kind"] in topic.kinds and _has_any(topic, record):
                found.setdefault(repr(topic.identify(record)), []).append(record)
        of_topic = [_line(topic, alike) for alike in found.values()]
        lines += _distinguish(sorted(of_topic, key=lambda line: (line.subject, line.details)))
    return lines


def _line(topic: Topic, alike: Sequence[Record]) -> Line:
    first = alike[0]
    kept = _each(alike) if topic.of_artefact else tuple(alike)
    subject, details = map(plain, topic.describe(first))
    return Line(topic, topic.identify(first), subject, details, kept)


def _has_any(topic: Topic, record: Record) -> bool:
    for figure in topic.figures:
        *above, name = figure.path
        found = find(record, tuple(above))
        if isinstance(found, Mapping) and name in found:
            return True
    return False


def _each(records: Iterable[Record]) -> tuple[Record, ...]:
    """One record of each artefact and commit."""
    found: dict[tuple[str, str], Record] = {}
    for record in records:
        found.setdefault((record["artefact_sha256"], repr(record["conditions"].get("git"))), record)
    return tuple(found.values())


def _distinguish(lines: Sequence[Line]) -> list[Line]:
    """The lines, with what makes them differ said of those that have one label."""
    told = []
    for line in lines:
        alike = [
            other.identity
            for other in lines
            if (other.subject, other.details) == (line.subject, line.details)
        ]
        differ = {
            name: value
            for name, value in line.identity.items()
            if any(other[name] != value for other in alike)
        }
        details = filter(None, [line.details, plain(pairs(differ)) if differ else ""])
        told.append(replace(line, details="; ".join(details)))
    return told
