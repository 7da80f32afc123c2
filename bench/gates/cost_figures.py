"""What the gates of instructions and of latency found, figure by figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.gates.figure import Figure
from bench.gates.instruction_gate import TOLERANCE, Growth
from bench.gates.latency_gate import Verdict

MILLION = 1e6


def instruction_figures(
    before: Mapping[str, Any], now: Mapping[str, Any], growth: Growth
) -> list[Figure]:
    """Instructions, which are judged; estimated cycles and milliseconds, which are told."""
    subject = f"{now['network']} for {now['target']}"
    kernels = [f"{by / MILLION:+.3f} M  {name}" for name, by in growth.kernels]
    most = f", most in {growth.kernels[0][0]}" if growth.kernels else ""
    figures = [
        Figure(
            "instructions",
            subject,
            ", ".join(["instructions", now["target"], *filter(None, [now.get("precision")])]),
            was=growth.was / MILLION,
            now=growth.now / MILLION,
            change=growth.by,
            allowed=TOLERANCE,
            unit="M",
            relative=True,
            verdict="FAILED" if growth.slower else "good",
            why=f"{growth.by:.2%} more instructions{most}" if growth.slower else "",
            details=tuple(kernels),
        )
    ]
    cycles = [found.get("est_cycles") for found in (before, now)]
    told = [("estimated cycles", "M", [count and count / MILLION for count in cycles])]
    times = [(found.get("estimate") or {}).get("milliseconds") for found in (before, now)]
    core = (now.get("estimate") or before.get("estimate") or {}).get("core", "Cortex-A76")
    told.append((f"estimated time, {core}", "ms", times))
    for name, unit, (was, is_now) in told:
        if was or is_now:
            change = is_now / was - 1 if was and is_now else None
            why = (
                "" if is_now else "not estimated: the emulator takes no plugins or LLVM is missing"
            )
            figures.append(
                Figure(
                    "instructions",
                    subject,
                    name,
                    was,
                    is_now,
                    change,
                    None,
                    unit,
                    True,
                    "told",
                    why,
                )
            )
    return figures


def latency_figures(verdicts: Sequence[Verdict], model: str, why_none: str) -> list[Figure]:
    """The newest median of every series beside its past; without any, one that says why."""
    none = Figure("latency", model, "p50", verdict="not judged", why=why_none)
    return [_latency(verdict) for verdict in verdicts] or [none]


def _latency(verdict: Verdict) -> Figure:
    found = verdict.regression
    name = f"p50, {verdict.subject}"
    if found is None or verdict.p50_ms is None:
        return Figure(
            "latency",
            verdict.subject,
            name,
            now=verdict.p50_ms,
            unit="ms",
            verdict="not judged",
            why=verdict.why,
        )
    median = verdict.p50_ms / found.ratio
    limits = tuple(f"{rule}: {limit:.2f} ms" for rule, limit in found.limits.items())
    return Figure(
        "latency",
        verdict.subject,
        name,
        was=median,
        now=verdict.p50_ms,
        change=found.ratio - 1,
        allowed=min(found.limits.values()) / median - 1,
        unit="ms",
        relative=True,
        verdict="FAILED" if verdict.slower else "good",
        why=f"above the limit of {' and '.join(found.broke)}" if verdict.slower else "",
        details=limits,
    )
