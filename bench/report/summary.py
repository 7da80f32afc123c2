"""One line a network and device: what a reader wants to know first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bench.report.numbers import number
from bench.report.wording import conditions_in_short, device

Row = dict[str, Any]
NO_LATENCY = {
    "emulated cost": "emulated",
    "unknown time": "unknown whether emulated",
    "cost": "counted under emulation",
}
TIMES = ("p50_ms", "p90_ms", "p99_ms")
SCORES = ("protocol", "data", "split", "images", "runtime", "rmse", "rel", "delta1")


def summarise_models(models: Iterable[Mapping[str, Any]]) -> list[Row]:
    """A row for every measurement of every network, or one for a network that was not timed.

    `accuracy` lists the network's scores, each with its protocol. `latency_ms` are p50, p90 and
    p99 on a real device, `emulator_ms` the emulator's time, which is no latency: a row has one
    of them or none, so that no column mixes the two. `no_latency` says why there is none.
    """
    rows = []
    for model in models:
        measured = [*model["latency"], *model["emulated_cost"], *model["unknown_time"]]
        costs = {cost["artefact_sha256"]: cost for cost in model["cost"]}
        timed = {record["artefact_sha256"] for record in measured}
        measured += [cost for code, cost in costs.items() if code not in timed]
        rows += [_row(model, record) for record in measured or [{}]]
    return rows


def _row(model: Mapping[str, Any], record: Mapping[str, Any]) -> Row:
    complexity = model["complexity"] or {}
    kind = record.get("kind", "")
    times = {name: number(record.get(name)) for name in TIMES}
    code = record.get("artefact_sha256")
    return {
        "model": model["model"],
        "weights_m": complexity.get("weights_m"),
        "macs_g": complexity.get("macs_conv_g"),
        "size_bytes": record.get("artefact_bytes"),
        "memory_bytes": peak_memory(record),
        "accuracy": [{name: one.get(name) for name in SCORES} for one in model["accuracy"]],
        "device": device(record) if record else None,
        "conditions": conditions_in_short(record) if record else None,
        "latency_ms": times if kind == "latency" else None,
        "emulator_ms": times if kind == "emulated cost" else None,
        "no_latency": NO_LATENCY.get(kind),
        "estimates": [
            {"estimate": cost["estimate"]}
            for cost in model["cost"]
            if cost["artefact_sha256"] == code and cost.get("estimate")
        ],
        "valid": record.get("valid"),
        "quick": record.get("quick"),
    }


def counted_runtimes(record: Mapping[str, Any]) -> list[Row]:
    """What an inference costs each runtime of a cost record: depthbench's code, then its peers."""
    rows = {"depthbench": {**record, "cost": record}, **record["peers"]}
    return [
        {
            "runtime": " ".join(filter(None, (name, row.get("version")))),
            "estimate": row.get("estimate"),
            "est_cycles": row["cost"]["est_cycles"],
            "instructions": row["cost"]["instructions"],
            "fma_cycles": row["cost"]["fma_cycles"],
            "max_relative_difference": row["agreement"].get("max_relative_difference"),
        }
        for name, row in rows.items()
    ]


def peak_memory(record: Mapping[str, Any]) -> float | None:
    """Bytes by the compiler's plan: weights, and the storages that one inference takes."""
    memory = record.get("memory")
    if not isinstance(memory, Mapping):
        return None
    parts = [number(memory.get(name)) for name in ("weights_bytes", "activations_bytes")]
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None
