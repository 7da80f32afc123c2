"""A report as comma-separated values: a line a measurement, for spreadsheets and scripts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.report.escape import plain
from bench.report.summary import peak_memory
from bench.report.wording import source

ACCURACY = ("data", "split", "protocol", "images", "weights", "runtime")
SCORES = ("rmse", "mae", "rel", "log10", "delta1", "delta2", "delta3")
TIMES = ("p50_ms", "p90_ms", "p99_ms", "mean_ms", "std_ms")
TIMES_OF = {"latency": "latency", "emulated cost": "emulator", "unknown time": "unknown"}
COLUMNS = (
    *("model", "kind", "time", *ACCURACY, *SCORES),
    *(
        "device",
        "source",
        "emulated",
        "target",
        "precision",
        "threads",
        "samples",
        "valid",
        "quick",
    ),
    *(f"latency_{name}" for name in TIMES),
    *(f"emulator_{name}" for name in TIMES),
    *(f"unknown_{name}" for name in TIMES),
    *("estimated_ms", "estimated_low_ms", "estimated_high_ms", "est_cycles", "instructions"),
    *(
        "artefact_bytes",
        "peak_memory_bytes",
        "weights_m",
        "macs_g",
        "weights_paper_m",
        "macs_paper_g",
    ),
)
# What a spreadsheet takes for a formula.
FORMULA = ("=", "+", "-", "@")


def render_csv(report: Mapping[str, Any]) -> str:
    """Render what `bench.report.report.build_report` gives.

    Milliseconds of an emulator, and those of which nobody says whether they are an emulator's, have
    columns of their own, and so have estimated ones: they are no latency. Text that a spreadsheet
    would take for a formula gets an apostrophe before it.
    """
    import pandas as pd

    rows = []
    for model in report["models"]:
        network = model["complexity"] or {}
        of_network = {name: network.get(name) for name in COLUMNS if name in network}
        of_network["macs_g"] = network.get("macs_conv_g")
        timed = [*model["latency"], *model["emulated_cost"], *model["unknown_time"]]
        records = [*model["accuracy"], *timed, *model["cost"]]
        for record in records or ([network] if network else []):
            row = {**of_network, **_line(record)}
            rows.append([cell(row.get(name)) for name in COLUMNS])
    frame = pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)
    return frame.to_csv(index=False, lineterminator="\n")


def _line(record: Mapping[str, Any]) -> dict[str, Any]:
    device, conditions = record.get("device") or {}, record["conditions"]
    kind = TIMES_OF.get(record["kind"])
    estimate = record.get("estimate") or {}
    return {
        **{name: record.get(name) for name in COLUMNS if name in record},
        "device": device.get("name"),
        "source": source(record) if kind else None,
        "emulated": device.get("emulated"),
        "precision": conditions.get("precision"),
        "threads": conditions.get("threads"),
        "samples": record.get("count"),
        "estimated_ms": estimate.get("milliseconds"),
        "estimated_low_ms": estimate.get("low_ms"),
        "estimated_high_ms": estimate.get("high_ms"),
        "peak_memory_bytes": peak_memory(record),
        **({f"{kind}_{name}": record.get(name) for name in TIMES} if kind else {}),
    }


def cell(value: Any) -> Any:
    """A value for a spreadsheet: a number as it is, text as one line that is no formula."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = plain(value)
    return f"'{text}" if text.startswith(FORMULA) else text
