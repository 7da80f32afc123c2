"""Where a figure moved by more than it moves by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bench.gates.latency_gate import Verdict
from bench.history.commit_order import commit_of, date_of, is_dirty
from bench.history.figures import Figure
from bench.records.comparability import find
from bench.records.record import Record
from bench.stats.regression import MARGIN, fai_pep_limit

Jump = dict[str, Any]
CAUSES = {
    "model": ("model_sha256",),
    "artefact": ("artefact_sha256",),
    "host": ("conditions", "host", "cpu"),
    "emulator": ("conditions", "emulator"),
    "cycle model": ("conditions", "cycle_model"),
}
TOOLS = ("conditions", "tools")


def find_jump(
    figure: Figure, before: Record, record: Record, verdicts: Mapping[str, Verdict]
) -> str:
    """By which rule the figure of `record` is a jump from that of the run `before`; empty if none.

    Accuracy, instructions and sizes by the tolerances of their gates. Latencies by the latency
    gate: when it calls the run slower and did not call the one before so, or this one is above
    what that one's samples vary by; and, the other way round, when the run is faster than the
    median of past ones by as much. Where the gate has too few runs, by FAI-PEP's rule on the two
    and a tenth more.
    """
    was, now = figure.value(before), figure.value(record)
    if was is None or now is None:
        return ""
    if figure.allowed is not None:
        moved = abs(now / was - 1) if figure.relative and was else abs(now - was)
        shown = f"{figure.allowed:.1%}" if figure.relative else f"{figure.allowed:g}"
        return f"allowed {shown}" if moved > figure.allowed else ""
    if record["id"] not in verdicts:
        return ""
    slower = _turned(_slower, before, record, verdicts)
    faster = _turned(_faster, before, record, verdicts)
    return slower or faster


def what_else_changed(before: Record, record: Record) -> list[str]:
    """What is known to differ between two runs besides the commit: artefact, tools, host."""
    told = [
        name
        for name, path in CAUSES.items()
        if None not in (was := find(before, path), now := find(record, path)) and was != now
    ]
    was, now = (find(one, TOOLS) or {} for one in (before, record))
    told += [
        f"{name} {was[name]} → {now[name]}"
        for name in was
        if name in now and was[name] != now[name]
    ]
    return told


def where(record: Record) -> dict[str, Any]:
    """Which code a run is of, and when it was made, UTC."""
    time = date_of(record).isoformat(timespec="seconds")
    return {"commit": commit_of(record), "dirty": is_dirty(record), "time": time}


Direction = Callable[[Record, Record, Mapping[str, Verdict]], str]


def _turned(
    direction: Direction, before: Record, record: Record, verdicts: Mapping[str, Verdict]
) -> str:
    """The rule that a run breaks in a direction, where the run before it does not explain it."""
    rule = direction(before, record, verdicts)
    earlier = verdicts.get(before["id"])
    known = earlier is not None and earlier.regression is not None
    if rule and known and direction(before, before, verdicts) and not _apart(before, record):
        return ""
    return rule


def _slower(before: Record, record: Record, verdicts: Mapping[str, Verdict]) -> str:
    found = verdicts[record["id"]].regression
    if found is None:
        return _by_samples(before, record)
    return f"slower by the gate's {' and '.join(found.broke)}" if found.broke else ""


def _faster(before: Record, record: Record, verdicts: Mapping[str, Verdict]) -> str:
    found = verdicts[record["id"]].regression
    if found is None:
        return _by_samples(record, before)
    median = record["p50_ms"] / found.ratio
    margin = min(found.limits.values()) / median
    return "faster by more than the gate lets it be slower" if found.ratio * margin < 1 else ""


def _by_samples(faster: Record, slower: Record) -> str:
    limit = fai_pep_limit([faster["p90_ms"]]) * (1 + MARGIN)
    if slower["p50_ms"] <= limit:
        return ""
    return "a tenth beyond FAI-PEP's rule on two runs, the gate has too few"


def _apart(before: Record, record: Record) -> bool:
    return bool(_by_samples(before, record) or _by_samples(record, before))
