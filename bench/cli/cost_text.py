"""The record of a cost for people, in eighty columns."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from bench.cli.output import key_values, table
from bench.cost.memory.core import LINE_BYTES
from bench.report.numbers import megabytes, percent, scientific, significant
from bench.report.wording import core, estimate_interval

Record = Mapping[str, Any]
SOURCE_INDENT, SOURCE_WIDTH = 14, 66
KERNEL_FIGURES = ("M cycles", "bound", "MB", "est. ms", "of all")
RUNTIME_FIGURES = ("M instr.", "M cycles", "est. ms", "interval", "ours/it", "differs")


def describe_cost(record: Record, kernels: int) -> str:
    """The estimate, the costliest kernels, and the peers beside it."""
    precision = record["conditions"]["precision"]
    head = f"{record['model']}, {precision}, one inference on one emulated Cortex-A76: no latency"
    parts = [head, "", key_values(_shown(record))]
    if kernels:
        parts += ["", table(_kernels(record, kernels), right=KERNEL_FIGURES)]
    if record["peers"]:
        parts += ["", table(_runtimes(record), right=RUNTIME_FIGURES)]
    parts += [f"absent, {name}: {reason}" for name, reason in record["absent"].items()]
    parts += [f"lost, {name}: {reason}" for name, reason in record["lost"].items()]
    return "\n".join(parts)


def _shown(record: Record) -> dict[str, Any]:
    agreement, traffic = record["agreement"], record["traffic"]
    return {
        **_time(record),
        "cycles": f"{_large(record['est_cycles'])} by LLVM's model, without caches",
        "instructions": _large(record["instructions"]),
        "bound": f"{_large(record['fma_cycles'])} cycles of multiply-adds, "
        f"{_share(record['fma_cycles'], record['est_cycles'])} of all",
        **(_memory(traffic) if traffic else {}),
        "outputs": f"differ from {agreement['against']}'s by "
        f"{scientific(agreement['max_relative_difference'])}, relatively; allowed "
        f"{agreement['tolerance']:.0e}",
        "took": f"{record['seconds']:.1f} s",
    }


def _time(record: Record) -> dict[str, str]:
    estimate = record["estimate"]
    if not estimate:
        return {"time": "not estimated: the emulator here loads no plugins, which simulate caches"}
    memory = estimate["memory_cycles"] / estimate["clock_ghz"] / 1e6
    return {
        "estimated": f"{significant(estimate['milliseconds'])} ms ({estimate_interval(record)}) on "
        f"{core(record)} (emulated)",
        "interval": f"\n{' ' * SOURCE_INDENT}".join(
            textwrap.wrap(estimate["error_source"], SOURCE_WIDTH)
        ),
        "parts": f"{significant(estimate['milliseconds'] - memory)} ms to compute, "
        f"{significant(memory)} ms to wait for memory",
    }


def _memory(traffic: Mapping[str, Any]) -> dict[str, str]:
    missed = {
        level.upper(): traffic[f"{level}_foreseen"] + traffic[f"{level}_unforeseen"]
        for level in ("l1", "l2", "l3")
    }
    back = traffic["written_back"] * LINE_BYTES
    lines = ", ".join(f"{lines / 1e6:.2f} M of {level}" for level, lines in missed.items())
    return {
        "memory": f"{megabytes(missed['L3'] * LINE_BYTES)} read, {megabytes(back)} written",
        "misses": f"{lines}, in lines of {LINE_BYTES} bytes",
    }


def _kernels(record: Record, count: int) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = []
    for kernel in record["kernels"][:count]:
        ms, moved = kernel.get("estimated_ms"), kernel.get("memory_bytes")
        row = {
            "kernel": kernel["name"],
            "calls": round(kernel["calls"]),
            "bound": _share(kernel["fma_cycles"], kernel["est_cycles"]),
        }
        if ms is None or moved is None:
            cycles = kernel["est_cycles"]
            row |= {
                "M cycles": f"{cycles / 1e6:.2f}",
                "of all": _share(cycles, record["est_cycles"]),
            }
        else:
            whole = record["estimate"]["milliseconds"]
            row |= {"MB": f"{moved / 1e6:.2f}", "est. ms": f"{ms:.2f}", "of all": _share(ms, whole)}
        rows.append(row)
    return rows


def _runtimes(record: Record) -> list[Mapping[str, Any]]:
    from bench.peers.peer import OURS

    ours = {**record, "cost": record}
    rows: list[Mapping[str, Any]] = []
    for name, row in {OURS: ours, **record["peers"]}.items():
        found = row["estimate"]
        rows.append(
            {
                "runtime": name,
                "M instr.": f"{row['cost']['instructions'] / 1e6:.1f}",
                "M cycles": f"{row['cost']['est_cycles'] / 1e6:.1f}",
                **({"est. ms": significant(found["milliseconds"])} if found else {}),
                **({"interval": estimate_interval(row)} if found else {}),
                "ours/it": f"{_time_of(ours) / _time_of(row):.3f}",
                "differs": scientific(row["agreement"]["max_relative_difference"]),
            }
        )
    return rows


def _time_of(row: Record) -> float:
    """The estimated time, or what is known of it."""
    estimate = row["estimate"]
    return float(estimate["milliseconds"] if estimate else row["cost"]["est_cycles"])


def _large(number: float) -> str:
    return f"{number / 1e6:.1f} M" if number >= 1e6 else f"{number / 1e3:.1f} k"


def _share(part: float, whole: float) -> str:
    return percent(part / whole if whole else None)
