"""Profile of an inference by kernel: time, multiply-adds and bytes, beside the peak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from bench.profiling.measured_peak import Peak
from depthbench.errors import CheckFailed

MACHINE = {"name": "virtual machine", "operator": "memory and control", "macs": 0, "bytes": 0}


def profile_of(
    kernels: Sequence[Mapping[str, Any]],
    inferences: Sequence[Sequence[tuple[str, float]]],
    whole_ms: float,
    peak: Peak,
) -> dict[str, Any]:
    """The operators of one inference in order, each with its median time.

    `kernels` are those of the artefact's manifest, with `macs` and `bytes` of one call (`bytes`:
    all operands and the result once). `inferences` are the seconds of each call, by function
    name, in several inferences; what is no kernel is one operator, the last. `sum_ms` is the sum
    of the operators, `whole_ms` the time of an inference that nobody watched. Raises CheckFailed
    where inferences differ in their calls, or call none of the kernels.
    """
    known = {str(kernel["name"]): kernel for kernel in kernels}
    names = [[name for name, _ in calls] for calls in inferences]
    if not names or any(other != names[0] for other in names) or not known.keys() & set(names[0]):
        raise CheckFailed(
            "the profiled calls are not those of the artefact", advice="compile it again"
        )
    operators, rest = [], 0.0
    for place, name in enumerate(names[0]):
        ms = 1e3 * median(calls[place][1] for calls in inferences)
        if name in known:
            operators.append(_row(known[name], ms))
        else:
            rest += ms
    operators.append(_row(MACHINE, rest))
    return {
        "operators": operators,
        "sum_ms": sum(row["ms"] for row in operators),
        "whole_ms": whole_ms,
        "inferences": len(inferences),
        "peak_of": peak.dtype,
        "peak_gflops": peak.gflops,
        "peak_gbytes_s": peak.gbytes_s,
    }


def _row(kernel: Mapping[str, Any], ms: float) -> dict[str, Any]:
    return {
        "name": str(kernel["name"]),
        "operator": str(kernel["operator"]),
        "ms": ms,
        "macs": int(kernel["macs"]),
        "bytes": int(kernel["bytes"]),
    }
