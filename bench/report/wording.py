"""Conditions as sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bench.report.escape import Markdown, escape


def device(record: Mapping[str, Any]) -> str:
    """The device's name."""
    return str((record.get("device") or {}).get("name", "unknown"))


def verdict(record: Mapping[str, Any]) -> Markdown:
    """Whether the figures may be used; a quick look says so."""
    word = "valid" if record.get("valid") else "**INVALID**"
    if record.get("quick") and record["kind"] == "latency":
        word += ", a quick look"
    return Markdown(word)


def sampling(record: Mapping[str, Any]) -> str:
    """How it was sampled, on what input, and by which clock."""
    conditions = record.get("conditions") or {}
    asked = conditions.get("sampling") or {}
    parts = []
    if asked:
        least = f"at least {asked['samples']} samples"
        if asked["seconds"]:
            least += f" and {asked['seconds']:g} s"
        runs = "session" if asked["sessions"] == 1 else "sessions"
        parts.append(f"{asked['sessions']} {runs} of {asked['warmup']} warm-up and {least}")
    parts += [f"input {conditions['input']}"] if conditions.get("input") else []
    parts += [f"{conditions['threads']} thread(s)"] if conditions.get("threads") else []
    parts += [str(conditions["precision"])] if conditions.get("precision") else []
    parts += [f"time of {conditions['timer']}"] if conditions.get("timer") else []
    return "; ".join(parts) or "unknown"


def pairs(values: Mapping[str, Any] | None) -> Markdown:
    """A mapping as `name value` pairs, nested ones in brackets, unknown values left out."""
    return Markdown(", ".join(_pair(k, v) for k, v in (values or {}).items() if v is not None))


def _pair(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{escape(name.replace('_', ' '))} ({pairs(value)})"
    shown = {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
    return f"{escape(name.replace('_', ' '))} {escape(shown)}"


def commit(git: Mapping[str, Any] | None) -> str:
    """The commit, and whether the files differ from it."""
    if not git:
        return "not a git checkout"
    dirty = ", with uncommitted changes" if git.get("dirty") else ""
    return f"commit {git.get('commit')}{dirty}"


def untrained(records: Iterable[Mapping[str, Any]]) -> bool:
    """Whether some record is of weights that were made up, at least in part."""
    return any(
        "random" in weights or "untrained" in weights
        for weights in (str(record.get("weights", "")) for record in records)
    )
