"""What `depthbench check` says of each gate, as JSON and as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bench.cli.output import table
from bench.report.wording import core, estimated
from depthbench.plural import counted

if TYPE_CHECKING:
    from bench.gates.accuracy_gate import Change
    from bench.gates.latency_gate import Verdict

NAMED = 3

Result = dict[str, Any]


def accuracy(before: Mapping[str, Any], now: Mapping[str, Any]) -> Result:
    """What moved since the baseline, and the metrics of every network as they are now."""
    from bench.gates import accuracy_gate

    changes = accuracy_gate.compare(before["networks"], dict(now))
    return {
        "good": not changes,
        "judged": True,
        "baseline": {key: before[key] for key in ("date", "reason", "git")},
        "explanation": accuracy_gate.explain(changes),
        "changes": [_change(change) for change in changes],
        "not_compared": accuracy_gate.not_compared(before["networks"], dict(now)),
        "networks": {
            name: {d: {p: s["means"] for p, s in data.items()} for d, data in n["data"].items()}
            for name, n in now.items()
        },
    }


def instructions(before: Mapping[str, Any], now: Mapping[str, Any]) -> Result:
    """The instructions of one inference beside those of the baseline, and what changed most."""
    from bench.gates.instruction_gate import TOLERANCE, compare_counts

    growth = compare_counts(before, now)
    return {
        "good": not growth.slower,
        "judged": True,
        "label": "counted under emulation, no latency",
        "network": now["network"],
        "target": now["target"],
        "baseline": {key: before[key] for key in ("date", "reason")},
        "was": growth.was,
        "now": growth.now,
        "by": growth.by,
        "allowed": TOLERANCE,
        "est_cycles": {"was": before.get("est_cycles"), "now": now.get("est_cycles")},
        "estimate": now.get("estimate"),
        "kernels": [{"name": name, "by": by} for name, by in growth.kernels],
    }


def latency(verdicts: Sequence[Verdict]) -> Result:
    """The newest latency of every model and device, held to its history."""
    return {
        "good": not any(verdict.slower for verdict in verdicts),
        "judged": any(verdict.regression for verdict in verdicts),
        "newest": [{**asdict(verdict), "slower": verdict.slower} for verdict in verdicts],
    }


def text(results: Mapping[str, Result]) -> str:
    """All results for people, one gate after the other."""
    tell = {"accuracy": _accuracy, "instructions": _instructions, "latency": _latency}
    return "\n\n".join(f"{name}: {tell[name](result)}" for name, result in results.items())


def _accuracy(result: Result) -> str:
    skipped = [f"not compared, only on one side: {name}" for name in result["not_compared"]]
    baseline = result["baseline"]
    since = f"the baseline of {baseline['date']} ({baseline['reason']})"
    if result["good"]:
        compared = [f"{name}: {', '.join(data)}" for name, data in result["networks"].items()]
        return "\n".join([f"good: as {since}", *compared, *skipped])
    rows: list[Mapping[str, Any]] = [
        {
            **{key: change[key] for key in ("network", "data", "protocol", "what", "was", "now")},
            "moved by": change["by"],
            "allowed": change["allowed"],
            "where": _where(change),
        }
        for change in result["changes"]
    ]
    head = f"{counted(len(rows), 'thing')} moved since {since}"
    return "\n".join([head, result["explanation"], "", table(rows), *skipped])


def _instructions(result: Result) -> str:
    baseline, more = result["baseline"], result["by"] > 0
    verdict = "good" if result["good"] else "MORE"
    lines = [
        f"{verdict}: {result['network']} for {result['target']}, {result['now'] / 1e6:.3f} M, "
        f"{abs(result['by']):.3%} {'more' if more else 'fewer'} than in the baseline of "
        f"{baseline['date']} ({baseline['reason']}); allowed {result['allowed']:.1%} more"
    ]
    lines += [f"{kernel['by'] / 1e6:+.3f} M  {kernel['name']}" for kernel in result["kernels"]]
    cycles = result["est_cycles"]
    if cycles["now"]:
        was = f", {cycles['was'] / 1e6:.1f} M in the baseline" if cycles["was"] else ""
        time = (
            f"; {estimated(result)} ms on {core(result)} (emulated)" if result["estimate"] else ""
        )
        lines.append(f"not judged: estimated {cycles['now'] / 1e6:.1f} M cycles{was}{time}")
    if result["by"] < -result["allowed"]:
        lines.append("keep what was gained: --update --reason TEXT")
    return "\n".join(lines)


def _latency(result: Result) -> str:
    if not result["newest"]:
        return "nothing was judged: there are no latencies in the records"
    lines = [] if result["judged"] else ["nothing was judged: no latency has a history"]
    for newest in result["newest"]:
        found = newest["regression"]
        if found is None:
            lines.append(f"{newest['subject']}: {newest['why']}")
            continue
        verdict = f"SLOWER ({' and '.join(found['broke'])})" if newest["slower"] else "good"
        limits = ", ".join(f"{name} {limit:.2f} ms" for name, limit in found["limits"].items())
        lines.append(
            f"{newest['subject']}: {verdict}: {newest['p50_ms']:.2f} ms, {found['ratio']:.3f} "
            f"times the median of {counted(found['runs'], 'run')}; limits: {limits}"
        )
    return "\n".join(lines)


def _change(change: Change) -> Result:
    """A change with None for what is no number, which JSON has no form for."""
    row = asdict(change)
    finite = {key: _finite(value) for key, value in row.items() if key != "where"}
    return {**finite, "where": [{"name": n, "by": _finite(by)} for n, by in change.where]}


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not abs(value) < float("inf") else value


def _where(change: Result) -> str | None:
    if not change["where"]:
        return None
    shares = [(each["name"], each["by"]) for each in change["where"][:NAMED]]
    names = ", ".join(f"{name} ({'inf' if by is None else f'{by:.2g}'})" for name, by in shares)
    more = ", ..." if len(change["where"]) > NAMED else ""
    return f"{len(change['where'])} of {change['of']}: {names}{more}"
