"""How near does each operator of a profile come to what the device can do?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.report.numbers import number

OPERATIONS_A_MAC = 2


def build_roofline(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """The operators of a record's `profile`, the slowest first; None when it has none.

    Each has `ms`, its `share` of their sum, `macs`, `bytes`, and where these are not zero
    `gflops` reached, `of_peak`, its share of the peak, `intensity` (operations a byte moved),
    `roof_gflops` (the lower of the peak and of what the memory lets through, by Williams,
    Waterman and Patterson 2009) and `of_roof`, the share of it that was reached.
    `total_ms` is the sum of the operators, `whole_ms` an inference that nobody watched.
    """
    profile = record.get("profile")
    if not isinstance(profile, Mapping):
        return None
    listed = profile.get("operators")
    rows = [row for row in listed if _is_timed(row)] if isinstance(listed, list) else []
    if not rows:
        return None
    peak, bandwidth = (number(profile.get(key)) for key in ("peak_gflops", "peak_gbytes_s"))
    total = sum(row["ms"] for row in rows)
    operators = [_operator(row, total, peak, bandwidth) for row in rows]
    return {
        "operators": sorted(operators, key=lambda operator: -operator["ms"]),
        "total_ms": total,
        "whole_ms": number(profile.get("whole_ms")),
        "peak_gflops": peak,
        "peak_gbytes_s": bandwidth,
    }


def _is_timed(row: Any) -> bool:
    return isinstance(row, Mapping) and (number(row.get("ms")) or 0) > 0


def _operator(
    row: Mapping[str, Any], total: float, peak: float | None, bandwidth: float | None
) -> dict[str, Any]:
    ms, macs, moved = row["ms"], number(row.get("macs")), number(row.get("bytes"))
    operations = macs * OPERATIONS_A_MAC if macs else None
    gflops = operations / ms / 1e6 if operations else None
    intensity = operations / moved if operations and moved else None
    roofs = [peak] if peak else []
    roofs += [intensity * bandwidth] if intensity and bandwidth else []
    roof = min(roofs, default=None)
    return {
        "name": str(row.get("name", "")),
        "operator": str(row.get("operator", "")),
        "ms": ms,
        "share": ms / total,
        "macs": macs,
        "bytes": moved,
        "gflops": gflops,
        "of_peak": gflops / peak if gflops and peak else None,
        "intensity": intensity,
        "roof_gflops": roof,
        "of_roof": gflops / roof if gflops and roof else None,
    }
