"""Agreement of two runtimes' outputs on the same inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.measure.validity import RULES
from bench.runtimes.cache_line import on_a_cache_line
from depthbench.errors import InputError

SEED = 0


def seeded_inputs(specs: Sequence[Mapping[str, Any]], seed: int = SEED) -> dict[str, NDArray]:
    """One array for each input `{name, shape, dtype}` of an artefact, the same every time.

    Floats are uniform in [0, 1), as images are; integers and booleans are 0 or 1, which every
    index range holds. Arrays begin on a cache line, as images do in an application that cares.
    Raises InputError for another kind of dtype.
    """
    generator = np.random.default_rng(seed)
    return {spec["name"]: on_a_cache_line(_fill(generator, spec)) for spec in specs}


def _fill(generator: np.random.Generator, spec: Mapping[str, Any]) -> NDArray:
    shape, dtype = tuple(spec["shape"]), np.dtype(spec["dtype"])
    if dtype.kind == "f":
        return generator.random(shape, dtype=np.float32).astype(dtype)
    if dtype.kind in "iub":
        return generator.integers(0, 2, shape).astype(dtype)
    raise InputError(f"input {spec['name']} is of type {dtype}: floats and integers can be made up")


def compare(
    reference: Mapping[str, NDArray],
    outputs: Mapping[str, NDArray],
    against: str,
    tolerance: float = RULES.difference,
) -> dict[str, Any]:
    """Compare `outputs` with those of the runtime `against`, name by name.

    Returns the worst over the outputs of: `max_relative_difference`, max|a-b| / max|b|;
    `max_abs_difference`, in the output's unit; `reference_std`, the smallest standard deviation
    of a reference output, 0 when one is constant; and the `tolerance` to judge them by. Where the
    reference is all zeros the relative difference is the absolute one. The differences are None
    where an output is missing, has another shape or is not finite: `problem` says in words what
    was seen.
    """
    agreement: dict[str, Any] = {
        "against": against,
        "max_relative_difference": None,
        "max_abs_difference": None,
        "reference_std": min((_spread(b) for b in reference.values()), default=0.0),
        "tolerance": tolerance,
        "problem": _problem(reference, outputs, against),
    }
    if agreement["problem"]:
        return agreement
    pairs = [(_wide(outputs[name]), _wide(b)) for name, b in reference.items()]
    differences = [float(np.abs(a - b).max()) for a, b in pairs]
    largest = [float(np.abs(b).max()) for _, b in pairs]
    agreement["max_abs_difference"] = max(differences)
    agreement["max_relative_difference"] = max(
        difference / (scale or 1.0) for difference, scale in zip(differences, largest, strict=True)
    )
    return agreement


def agrees(agreement: Mapping[str, Any]) -> bool:
    """Whether a comparison was possible and within its tolerance."""
    difference = agreement["max_relative_difference"]
    return difference is not None and difference <= agreement["tolerance"]


def worse(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Of two comparisons the one that agrees less; the first may be empty."""
    return one if one and _severity(one) >= _severity(other) else other


def _severity(agreement: Mapping[str, Any]) -> float:
    difference = agreement["max_relative_difference"]
    return math.inf if difference is None else difference


def _problem(
    reference: Mapping[str, NDArray], outputs: Mapping[str, NDArray], against: str
) -> str | None:
    """Why outputs cannot be compared with the reference; None where they can."""
    if not reference:
        return f"{against} has no outputs"
    for name, expected in reference.items():
        if name not in outputs:
            return f"output {name!r} is missing"
        if outputs[name].shape != expected.shape:
            return f"output {name!r} is {_shown(outputs[name])}, not {_shown(expected)}"
        if not expected.size:
            return f"output {name!r} has no elements"
        for whose, value in ((f" of {against}", expected), ("", outputs[name])):
            if broken := int((~np.isfinite(value)).sum()):
                return (
                    f"output {name!r}{whose} is NaN or infinite in {broken} of {value.size} values"
                )
    return None


def _shown(value: NDArray) -> str:
    return "x".join(map(str, value.shape)) or "one number"


def _wide(values: NDArray) -> NDArray:
    return np.asarray(values, dtype=np.float64)


def _spread(values: NDArray) -> float:
    """The standard deviation; 0 where it is within rounding of none, or values are not finite."""
    wide = _wide(values)
    if not wide.size or not np.isfinite(wide).all():
        return 0.0
    spread, scale = float(wide.std()), float(np.abs(wide).max())
    return spread if spread > 1e-6 * scale else 0.0
