"""Validation: whether a JSON object is a record of this version, and if not, why."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import median
from typing import Any

from pydantic import ValidationError

from bench.records.record_base import SCHEMA
from bench.records.schema import BY_KIND, KINDS, TIMED

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
    try:
        BY_KIND[kind].model_validate(record)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return _in_words(first["type"], ".".join(map(str, first["loc"])), record)
    return _mixed_units(record) if kind in TIMED else ""


def _in_words(fault: str, name: str, record: Mapping[str, Any]) -> str:
    if fault != "missing":
        return f"{name!r} is of the wrong type"
    if unit := _other_unit(record, name):
        return f"{name!r} is in {unit}, but this version reads ms"
    return f"a record of kind {record['kind']!r} without {name!r}"


def _other_unit(record: Mapping[str, Any], name: str) -> str:
    """The unit, of those that times come in, in which the record has what `name` has in ms."""
    stem = name.removesuffix("_ms")
    units = (unit for unit in OTHER_UNITS if stem != name and f"{stem}_{unit}" in record)
    return next(units, "")


def _mixed_units(record: Mapping[str, Any]) -> str:
    """Whether the median is in another unit than the samples, or the samples than the sessions."""
    samples = _times(record["samples_ms"])
    together = [ms for session in record["sessions"] for ms in _times(session)]
    if not samples:
        return ""
    middle = median(samples)
    for name, value in (("p50_ms", record["p50_ms"]), ("sessions", together and median(together))):
        if value and not 1 / UNIT_FACTOR < value / middle < UNIT_FACTOR:
            return f"mixed units: the samples' median is {middle:g}, that of {name!r} {value:g}"
    return ""


def _times(values: list[float | None]) -> list[float]:
    """Those of the values that are positive numbers."""
    return [ms for ms in values if ms is not None and 0 < ms < math.inf]
