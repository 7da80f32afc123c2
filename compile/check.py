"""Compare a compiled model with ONNX Runtime on the model it came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from compile.onnx.checked_model import Model, Port
from compile.precision import FP32
from depthbench.errors import CheckFailed, InputError
from depthbench.one_line import one_line

SEED = 0
Run = Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]


def check_against_onnxruntime(
    model: Model, run: Run, *, where: str, tolerance: float = FP32.tolerance
) -> dict[str, Any]:
    """Run both on seeded random inputs and return an account for the manifest.

    Inputs are uniform in [0, 1) (integers 0 or 1). The difference of an output is the largest
    absolute difference over the largest absolute reference value. A constant reference output
    hides errors, and so does one with NaN or infinities: they are named in `constant_outputs` and
    `non_finite_outputs`. Raises CheckFailed above `tolerance`, InputError where ONNX Runtime cannot
    run the model.
    """
    inputs = random_inputs(model.inputs)
    reference = _reference(model, inputs)
    results = run(inputs)
    differences = {name: relative_difference(results[name], reference[name]) for name in reference}
    worst = max(differences, key=lambda name: differences[name])
    if not differences[worst] <= tolerance:
        raise CheckFailed(
            f"{model.path}: output {worst!r} of the compiled model differs from ONNX Runtime's "
            f"by {differences[worst]:.2e} of its largest value (at most {tolerance:g} is allowed)"
        )
    return {
        "against": "ONNX Runtime",
        "where": where,
        "inputs": f"uniform [0, 1), seed {SEED}",
        "tolerance": tolerance,
        "relative_difference": differences,
        "constant_outputs": [name for name, value in reference.items() if _is_constant(value)],
        "non_finite_outputs": [name for name, value in reference.items() if not _is_finite(value)],
    }


def relative_difference(result: np.ndarray, reference: np.ndarray) -> float:
    """The largest absolute difference over the largest absolute reference value.

    NaN and infinities must stand at the same places; else, and for another shape, the difference
    is infinite. Where the reference is all zeros the difference is absolute. Integers and
    booleans are compared as numbers.
    """
    if result.shape != reference.shape:
        return float("inf")
    a, b = result.astype(np.float64), reference.astype(np.float64)
    finite = np.isfinite(b)
    same = np.array_equal(np.isfinite(a), finite) and np.array_equal(
        a[~finite], b[~finite], equal_nan=True
    )
    if not same:
        return float("inf")
    if not finite.any():
        return 0.0
    largest = float(np.abs(b[finite]).max())
    return float(np.abs(a[finite] - b[finite]).max()) / (largest or 1.0)


def random_inputs(ports: Sequence[Port], seed: int = SEED) -> dict[str, np.ndarray]:
    """One seeded random array for each input."""
    generator = np.random.default_rng(seed)
    arrays = {}
    for port in ports:
        if np.issubdtype(np.dtype(port.dtype), np.floating):
            arrays[port.name] = generator.random(port.shape, dtype=np.float32).astype(port.dtype)
        else:
            arrays[port.name] = generator.integers(0, 2, port.shape).astype(port.dtype)
    return arrays


def _reference(model: Model, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(
            model.proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        values = session.run(list(model.outputs), dict(inputs))
    except Exception as error:  # ONNX Runtime's own exceptions have no common base
        raise InputError(
            f"{model.path}: ONNX Runtime cannot run this model, so the result cannot be checked: "
            f"{one_line(error)}"
        ) from error
    return dict(zip(model.outputs, map(np.asarray, values), strict=True))


def _is_constant(value: np.ndarray) -> bool:
    return value.size > 1 and bool((value == value.flat[0]).all())


def _is_finite(value: np.ndarray) -> bool:
    return bool(np.isfinite(value.astype(np.float64)).all())
