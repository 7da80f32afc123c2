"""The record of a cost for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.cli.output import key_values, table
from bench.report.numbers import percent, scientific, significant

Record = Mapping[str, Any]


def describe_cost(record: Record, kernels: int) -> str:
    """The estimate, the costliest kernels, and the peers beside it."""
    conditions = record["conditions"]
    head = f"{record['model']}, {conditions['precision']}, one inference on one emulated Cortex-A76"
    parts = [head, "", key_values(_shown(record))]
    if kernels:
        parts += ["", table(_kernels(record, kernels), right=KERNEL_FIGURES)]
    if record["peers"]:
        parts += ["", table(_runtimes(record), right=RUNTIME_FIGURES)]
    parts += [f"absent, {name}: {reason}" for name, reason in record["absent"].items()]
    parts += [f"lost, {name}: {reason}" for name, reason in record["lost"].items()]
    return "\n".join(parts)


KERNEL_FIGURES = ("calls", "cycles, M", "of all", "of its bound")
RUNTIME_FIGURES = ("instructions, M", "est. cycles, M", "est. ms", "ours / it")


def _shown(record: Record) -> dict[str, Any]:
    estimate, traffic = record["estimate"], record["traffic"]
    agreement = record["agreement"]
    shown: dict[str, Any] = {}
    if estimate:
        shown["estimated"] = (
            f"{_ms(estimate['milliseconds'])} ms ({_ms(estimate['low_ms'])} to "
            f"{_ms(estimate['high_ms'])}) on {estimate['core']}, emulated: no latency"
        )
        shown["interval"] = estimate["error_source"]
        shown["cycles"] = (
            f"{_millions(estimate['cycles'])}: {_millions(estimate['compute_cycles'])} to compute, "
            f"{_millions(estimate['memory_cycles'])} to wait for memory"
        )
    else:
        shown["cycles"] = f"{_millions(record['est_cycles'])}, estimated without caches"
    shown |= {
        "instructions": _millions(record["instructions"]),
        "bound": f"{_millions(record['fma_cycles'])} cycles of multiply-adds, "
        f"{_share(record['fma_cycles'], record['est_cycles'])} of those to compute",
    }
    if traffic:
        shown["memory"] = _traffic(traffic)
    return {
        **shown,
        "outputs": f"{scientific(agreement['max_relative_difference'])} from "
        f"{agreement['against']}'s at most, relatively; allowed {agreement['tolerance']:.0e}",
        "took": f"{record['seconds']:.1f} s",
    }


def _traffic(traffic: Mapping[str, Any]) -> str:
    return str(traffic)


def _kernels(record: Record, count: int) -> list[Mapping[str, Any]]:
    return [
        {
            "kernel": kernel["name"],
            "calls": f"{kernel['calls']:.0f}",
            "cycles, M": f"{kernel['est_cycles'] / 1e6:.3f}",
            "of all": _share(kernel["est_cycles"], record["est_cycles"]),
            "of its bound": _share(kernel["fma_cycles"], kernel["est_cycles"]),
        }
        for kernel in record["kernels"][:count]
    ]


def _runtimes(record: Record) -> list[Mapping[str, Any]]:
    from bench.peers.peer import OURS

    ours = {"version": None, "cost": record, "agreement": record["agreement"]}
    return [
        {
            "runtime": name,
            "version": row["version"],
            "instructions, M": f"{row['cost']['instructions'] / 1e6:.1f}",
            "est. cycles, M": f"{row['cost']['est_cycles'] / 1e6:.1f}",
            "ours / it": f"{record['est_cycles'] / row['cost']['est_cycles']:.3f}",
            "difference": row["agreement"]["max_relative_difference"],
        }
        for name, row in {OURS: ours, **record["peers"]}.items()
    ]


def _millions(number: float) -> str:
    return f"{number / 1e6:.1f} M"


def _share(part: float, whole: float) -> str:
    return percent(part / whole if whole else None)


def _ms(milliseconds: float) -> str:
    return significant(milliseconds)
