"""Which records may be compared: what they must share, and which conditions differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Record = Mapping[str, Any]


def _of(*path: str) -> Callable[[Record], Any]:
    """The value at a path of keys; None where there is none."""

    def find(record: Record) -> Any:
        value: Any = record
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    return find


SUBJECT: dict[str, Callable[[Record], Any]] = {
    "kind": _of("kind"),
    "model": _of("model"),
    "target": _of("target"),
    "device": _of("device", "name"),
}
"""What a history is of: its records are alike in all of these."""

CONDITIONS: dict[str, Callable[[Record], Any]] = {
    "precision": _of("conditions", "precision"),
    "threads": _of("conditions", "threads"),
    "cores": _of("conditions", "before", "cpus"),
    "core type": _of("conditions", "before", "cpu_model"),
    "governor": _of("conditions", "before", "governor"),
    "highest clocks": _of("conditions", "before", "clock_limits_mhz"),
    "charging": _of("conditions", "before", "charging"),
    "source": lambda record: record.get("source", "shell"),
    "emulator": _of("conditions", "before", "emulator"),
    "emulating host": _of("conditions", "before", "host_cpu"),
    "input": _of("conditions", "input"),
    "timer": _of("conditions", "timer"),
    "warm-ups": _of("conditions", "sampling", "warmup"),
    "quick": _of("quick"),
}
"""What makes times differ though nothing was changed. The artefact, the tools and the commit are
not among them: what they do to the time is what is asked."""


def subject(record: Record) -> tuple[Any, ...]:
    """What the record's history is told by."""
    return tuple(find(record) for find in SUBJECT.values())


def describe(record: Record) -> str:
    """The subject in words."""
    named = {name: find(record) for name, find in SUBJECT.items()}
    return f"{named['model']} for {named['target']} on {named['device']}"


def differing(one: Record, other: Record) -> list[str]:
    """The conditions that differ, each as `threads: 1 and 2`; empty when the two are comparable."""
    found = {name: (find(one), find(other)) for name, find in CONDITIONS.items()}
    return [
        f"{name}: {_short(ours)} and {_short(theirs)}"
        for name, (ours, theirs) in found.items()
        if ours != theirs
    ]


def _short(value: Any) -> str:
    return "unknown" if value is None else str(value)
