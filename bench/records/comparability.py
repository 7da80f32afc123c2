"""Which records may be compared: what they must share, and which conditions differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Record = Mapping[str, Any]
Path = tuple[str, ...]
"""Of keys, to a value in a record."""

SUBJECT: dict[str, Path] = {
    "kind": ("kind",),
    "model": ("model",),
    "target": ("target",),
    "device": ("device", "name"),
}
"""What a history is of: its records are alike in all of these."""

CONDITIONS: dict[str, Path] = {
    "precision": ("conditions", "precision"),
    "threads": ("conditions", "threads"),
    "cores": ("conditions", "before", "cpus"),
    "core type": ("conditions", "before", "cpu_model"),
    "governor": ("conditions", "before", "governor"),
    "highest clocks": ("conditions", "before", "clock_limits_mhz"),
    "charging": ("conditions", "before", "charging"),
    "source": ("source",),
    "emulator": ("conditions", "before", "emulator"),
    "emulating host": ("conditions", "before", "host_cpu"),
    "input": ("conditions", "input"),
    "timer": ("conditions", "timer"),
    "warm-ups": ("conditions", "sampling", "warmup"),
    "quick": ("quick",),
}
"""What makes times differ though nothing was changed. The artefact, the tools and the commit are
not among them: what they do to the time is what is asked."""

DEFAULTS: dict[Path, Any] = {("source",): "shell"}
"""What records leave out that are older than a field."""

MEASUREMENT: dict[str, Path] = {
    "source": CONDITIONS["source"],
    "precision": CONDITIONS["precision"],
    "threads": CONDITIONS["threads"],
    **{
        name: (name,)
        for name in (
            *("kind", "model", "weights", "runtime", "target", "device", "quick", "input"),
            *("input_size", "protocol", "data", "split", "images", "averaging", "flip", "flow"),
            *("data_sha256", "frames"),
        )
    },
}
"""What a figure is of. Records that agree in all of it measure the same thing, and the latest of
them is the one that holds."""


def measurement(record: Record) -> dict[str, Any]:
    """What the record measures, by name; what it does not say is None."""
    return {name: find(record, path) for name, path in MEASUREMENT.items()}


def subject(record: Record) -> tuple[Any, ...]:
    """What the record's history is told by."""
    return tuple(find(record, path) for path in SUBJECT.values())


def compared(record: Record) -> dict[str, Any]:
    """Only what records are compared by, in its place: of `subject` and `differing` the same."""
    kept: dict[str, Any] = {}
    for path in (*SUBJECT.values(), *CONDITIONS.values()):
        place = kept
        for key in path[:-1]:
            place = place.setdefault(key, {})
        place[path[-1]] = find(record, path)
    return kept


def describe(record: Record) -> str:
    """The subject in words."""
    named = {name: find(record, path) for name, path in SUBJECT.items()}
    return f"{named['model']} for {named['target']} on {named['device']}"


def differing(one: Record, other: Record) -> list[str]:
    """The conditions that differ, each as `threads: 1 and 2`; empty when the two are comparable."""
    found = {name: (find(one, path), find(other, path)) for name, path in CONDITIONS.items()}
    return [
        f"{name}: {_short(ours)} and {_short(theirs)}"
        for name, (ours, theirs) in found.items()
        if ours != theirs
    ]


def find(record: Record, path: Path) -> Any:
    """The value at a path; None where there is none."""
    value: Any = record
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return DEFAULTS.get(path) if value is None else value


def _short(value: Any) -> str:
    return "unknown" if value is None else str(value)
