"""What a record must hold to be one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import median
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
TIMED = ("latency", "emulated cost")

OTHER_UNITS = ("s", "us", "ns")
UNIT_FACTOR = 100.0
"""Units are a factor of a thousand apart, and no two medians of one run are by so much."""


def find_fault(record: Mapping[str, Any]) -> str:
    """Say in a phrase why this is no record of this version; an empty string when it is one."""
    if record.get("schema") != SCHEMA:
        return f"schema {record.get('schema')!r}, but this version reads {SCHEMA!r}"
    kind = record.get("kind")
    if kind not in KINDS:
        return f"kind {kind!r}, but the known ones are {', '.join(KINDS)}"
    for name, types in {**COMMON, **FIELDS[kind]}.items():
        if name not in record:
            if unit := _other_unit(record, name):
                return f"{name!r} is in {unit}, but this version reads ms"
            return f"a record of kind {kind!r} without {name!r}"
        if not isinstance(record[name], types):
            return f"{name!r} is of the wrong type"
    return _mixed_units(record) if FIELDS[kind] is MEASURED else ""


def _other_unit(record: Mapping[str, Any], name: str) -> str:
    """The unit, of those that times come in, in which the record has what `name` has in ms."""
    stem = name.removesuffix("_ms")
    units = (unit for unit in OTHER_UNITS if stem != name and f"{stem}_{unit}" in record)
    return next(units, "")


def _mixed_units(record: Mapping[str, Any]) -> str:
    """Whether the median is in another unit than the samples, or the samples than the sessions."""
    samples = _times(record["samples_ms"])
    sessions = [session for session in record["sessions"] if isinstance(session, list)]
    together = [ms for session in sessions for ms in _times(session)]
    if not samples:
        return ""
    middle = median(samples)
    for name, value in (("p50_ms", record["p50_ms"]), ("sessions", together and median(together))):
        if value and not 1 / UNIT_FACTOR < value / middle < UNIT_FACTOR:
            return f"mixed units: the samples' median is {middle:g}, that of {name!r} {value:g}"
    return ""


def _times(values: list[Any]) -> list[float]:
    """Those of the values that are positive numbers."""
    return [float(v) for v in values if isinstance(v, int | float) and 0 < v < math.inf]
