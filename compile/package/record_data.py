"""What the records of a package's benchmarks say of it, as C."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

MOST_VALUES = 256
"""Of an output that are compared where the package runs."""
CONSTANT = 1e-6
"""A standard deviation below that share of the largest value is rounding."""


def record_data_source(
    identity: Mapping[str, Any],
    expected: Sequence[np.ndarray],
    tolerance: float,
    artefact_bytes: int,
    memory: Mapping[str, Any] | None,
) -> str:
    """The content of record_data.c: what library/network.h declares for records.

    `identity` is what the library says of itself; `expected` are ONNX Runtime's outputs for inputs
    of zeros, in order, and `tolerance` is of their relative differences.
    """
    fields = {
        "model": identity["name"],
        "model_sha256": identity["source"]["sha256"],
        "model_file": None,
        "card": identity["card"],
        "artefact_sha256": identity["artefact_sha256"],
        "artefact_bytes": artefact_bytes,
        "memory": memory,
        "target": identity["target"]["name"],
    }
    conditions = {"precision": identity["precision"], "tools": identity["tools"]}
    tables = [_table(place, values) for place, values in enumerate(expected)]
    outputs = [_output(place, values) for place, values in enumerate(expected)]
    a76 = "true" if fields["target"] == "arm64-a76" else "false"
    return "\n".join(
        [
            '#include "network.h"',
            *tables,
            f"const expected_output network_expected[] = {{\n{''.join(outputs)}}};",
            f"const double network_tolerance = {float(tolerance)!r};",
            f"const bool network_for_a76 = {a76};",
            f"const char network_record[] = {_fields(fields)};",
            f"const char network_record_conditions[] = {_fields(conditions)};",
            "",
        ]
    )


def _sampled(values: np.ndarray) -> tuple[int, np.ndarray]:
    """From one value to the next, and every such value."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    step = max(1, -(-flat.size // MOST_VALUES))
    return step, flat[::step]


def _table(place: int, values: np.ndarray) -> str:
    """Nothing is equal to a value that is not finite."""
    numbers = [
        float(v).hex() if np.isfinite(v) else '__builtin_nan("")' for v in _sampled(values)[1]
    ]
    return f"static const double expected_{place}[] = {{{', '.join(numbers) or '0'}}};"


def _output(place: int, values: np.ndarray) -> str:
    wide = np.asarray(values, dtype=np.float64)
    step, some = _sampled(values)
    finite = bool(wide.size and np.isfinite(wide).all())
    largest = float(np.abs(wide).max()) if finite else 0.0
    spread = float(wide.std()) if finite else 0.0
    deviation = spread if spread > CONSTANT * largest else 0.0
    return f"    {{{some.size}, {step}, expected_{place}, {largest.hex()}, {deviation.hex()}}},\n"


def _fields(fields: Mapping[str, Any]) -> str:
    """Fields of a JSON object without its braces, each with its comma, as a literal of C."""
    text = "".join(
        f"{json.dumps(name)}: {json.dumps(value, allow_nan=False)}, "
        for name, value in fields.items()
    )
    # JSON is ASCII here, and its strings escape as those of C do but for the question mark.
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?") + '"'
