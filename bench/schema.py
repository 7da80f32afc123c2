"""What a record must hold to be one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SCHEMA = "depthbench.record/1"

NUMBER = (int, float, type(None))
COMMON: dict[str, Any] = {"id": str, "time": str, "model": str, "conditions": dict}
TIMES = dict.fromkeys(("p50_ms", "p90_ms", "p99_ms", "mean_ms", "std_ms"), NUMBER)
MEASURED = {
    **{"artefact_sha256": str, "target": str, "device": dict, "agreement": dict},
    **{"samples_ms": list, "sessions": list, "valid": bool, "reasons": list, "quick": bool},
    **TIMES,
}
METRICS = ("rmse", "mae", "rel", "log10", "delta1", "delta2", "delta3")
FIELDS: dict[str, dict[str, Any]] = {
    "accuracy": {
        **{"data": str, "split": str, "protocol": str, "runtime": str, "weights": str},
        **{"images": int, "averaging": str, "flip": bool},
        **dict.fromkeys(METRICS, NUMBER),
    },
    "latency": MEASURED,
    "emulated cost": MEASURED,
    "complexity": {
        "input": list,
        **dict.fromkeys(("weights_paper_m", "weights_m", "macs_paper_g", "macs_conv_g"), NUMBER),
    },
}
KINDS = tuple(FIELDS)


def find_fault(record: Mapping[str, Any]) -> str:
    """Say in a phrase why this is no record of this version; an empty string when it is one."""
    if record.get("schema") != SCHEMA:
        return f"schema {record.get('schema')!r}, but this version reads {SCHEMA!r}"
    kind = record.get("kind")
    if kind not in KINDS:
        return f"kind {kind!r}, but the known ones are {', '.join(KINDS)}"
    for name, types in {**COMMON, **FIELDS[kind]}.items():
        if name not in record:
            return f"a record of kind {kind!r} without {name!r}"
        if not isinstance(record[name], types):
            return f"{name!r} is of the wrong type"
    return ""
