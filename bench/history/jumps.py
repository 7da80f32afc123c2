"""Where a figure moved by more than it moves by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.gates.latency_gate import Verdict
from bench.history.commit_order import commit_of, date_of, is_dirty
from bench.history.figures import Figure
from bench.records.comparability import find
from bench.records.record import Record
from bench.stats.regression import MARGIN, Regression, fai_pep_limit

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
    gate: when it calls the run slower, and the run before does not explain it by FAI-PEP's rule;
    the other way round, when the run is faster than the median of past ones by as much. Where the
    gate has too few runs, by FAI-PEP's rule on the two and a tenth more.
    """
    was, now = figure.value(before), figure.value(record)
    if was is None or now is None:
        return ""
    if figure.allowed is not None:
        moved = abs(now / was - 1) if figure.relative and was else abs(now - was)
        shown = f"{figure.allowed:.1%}" if figure.relative else f"{figure.allowed:g}"
        return f"allowed {shown}" if moved > figure.allowed else ""
    if not {before["id"], record["id"]} <= verdicts.keys():
        return ""
    return _latency_rule(before, record, verdicts[record["id"]].regression)


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


def _latency_rule(before: Record, record: Record, found: Regression | None) -> str:
    slower, faster = _beyond(record, before), _beyond(before, record)
    if found is None:
        few = "a tenth beyond FAI-PEP's rule on two runs: the gate has too few"
        return few if max(slower, faster) > 1 + MARGIN else ""
    if found.broke and slower > 1:
        return f"slower by the gate's {' and '.join(found.broke)}"
    median = record["p50_ms"] / found.ratio
    if found.ratio * min(found.limits.values()) < median and faster > 1:
        return "faster by more than the gate lets it be slower"
    return ""


def _beyond(one: Record, other: Record) -> float:
    """How many times what the samples of `other` explain the median of `one` is."""
    return float(one["p50_ms"] / fai_pep_limit([other["p90_ms"]]))
