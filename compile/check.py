"""Compare a compiled model with ONNX Runtime on the file it came from."""

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
    model: Model,
    run: Run,
    *,
    where: str,
    tolerance: float = FP32.tolerance,
    signed: bool = False,
) -> dict[str, Any]:
    """Run both on seeded random inputs and return an account for the manifest.

    ONNX Runtime runs the file as it was given, with the optimisations that it does by default:
    what was rewritten on the way to the compiled model is checked too.
    Inputs are uniform in [0, 1), as images are (integers 0 or 1). With `signed` normal ones follow,
    whose results count where ONNX Runtime's are finite: inputs of one sign hide whatever treats
    negative numbers wrongly. The difference of an output is the largest absolute difference over
    the largest absolute reference value. A constant reference output hides errors, and so does one
    with NaN or infinities: they are named in `constant_outputs` and `non_finite_outputs`. Raises
    CheckFailed above `tolerance`, InputError where ONNX Runtime cannot run the model.
    """
    reference = _Reference(model)
    inputs = random_inputs(model.inputs)
    expected = reference.run(inputs)
    differences = _judged(model, run(inputs), expected, tolerance)
    account = {
        "against": "ONNX Runtime",
        "where": where,
        "inputs": f"uniform [0, 1), seed {SEED}",
        "tolerance": tolerance,
        "relative_difference": differences,
        "constant_outputs": [name for name, value in expected.items() if _is_constant(value)],
        "non_finite_outputs": [name for name, value in expected.items() if not _is_finite(value)],
    }
    if signed:
        inputs = random_inputs(model.inputs, signed=True)
        expected = reference.run(inputs)
        results = run(inputs)
        finite = {name: value for name, value in expected.items() if _is_finite(value)}
        account["signed"] = {
            "inputs": f"standard normal, seed {SEED}",
            "relative_difference": _judged(model, results, finite, tolerance),
        }
    return account


def _judged(
    model: Model,
    results: Mapping[str, np.ndarray],
    expected: Mapping[str, np.ndarray],
    tolerance: float,
) -> dict[str, float]:
    differences = {name: relative_difference(results[name], expected[name]) for name in expected}
    for name, difference in differences.items():
        if not difference <= tolerance:
            raise CheckFailed(
                f"{model.path}: output {name!r} of the compiled model differs from ONNX Runtime's "
                f"by {difference:.2e} of its largest value (at most {tolerance:g} is allowed)"
            )
    return differences


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


def random_inputs(
    ports: Sequence[Port], seed: int = SEED, *, signed: bool = False
) -> dict[str, np.ndarray]:
    """One seeded random array for each input: uniform in [0, 1), or standard normal."""
    generator = np.random.default_rng(seed)
    draw = generator.standard_normal if signed else generator.random
    arrays = {}
    for port in ports:
        if np.issubdtype(np.dtype(port.dtype), np.floating):
            arrays[port.name] = draw(port.shape, dtype=np.float32).astype(port.dtype)
        else:
            arrays[port.name] = generator.integers(0, 2, port.shape).astype(port.dtype)
    return arrays


class _Reference:
    """The file on ONNX Runtime; what it cannot run ends in InputError."""

    def __init__(self, model: Model) -> None:
        import onnxruntime

        self._model = model
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(
                str(model.path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's own exceptions have no common base
            raise self._cannot_run(error) from error

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        try:
            values = self._session.run(list(self._model.outputs), dict(inputs))
        except Exception as error:
            raise self._cannot_run(error) from error
        return dict(zip(self._model.outputs, map(np.asarray, values), strict=True))

    def _cannot_run(self, error: Exception) -> InputError:
        return InputError(
            f"{self._model.path}: ONNX Runtime cannot run this model, so the result cannot be "
            f"checked: {one_line(error)}"
        )


def _is_constant(value: np.ndarray) -> bool:
    return value.size > 1 and bool((value == value.flat[0]).all())


def _is_finite(value: np.ndarray) -> bool:
    return bool(np.isfinite(value.astype(np.float64)).all())
