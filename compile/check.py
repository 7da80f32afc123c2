"""Compare a compiled model with ONNX Runtime on the file it came from."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from compile.onnx.checked_model import Model, Port
from compile.onnx.model_file import graphs
from compile.precision import FP16, FP32
from compile.reference import Form, Reference
from depthbench.errors import CheckFailed, InputError

SEED = 0
# How else ONNX Runtime may compute a file, from which seed, for what its results vary by.
FORMS: tuple[tuple[Form, int], ...] = (("plain", 0), ("nudged", 0))
ROUNDINGS: tuple[tuple[Form, int], ...] = (("plain", 0), *(("rounded", seed) for seed in range(4)))
HALVED: tuple[tuple[Form, int], ...] = tuple(("halved", seed) for seed in range(4))
# Two ways to round the same sums may differ in opposite directions from what is exact.
TIMES_VARIATION = 2.0
# Two ways to round the same numbers to integers are as far from what they round, over all numbers
# of a result: ONNX Runtime's own differ by 2 % in that.
TIMES_DISTANCE = 1.1
# Results that are stored as fp16 are rounded by at most half of this; ONNX Runtime's as well.
HALF_STEP = 2.0**-10
# With an index that is computed, what is read for NaN may lie anywhere in memory.
_BY_INDEX = (
    *("Gather", "GatherElements", "GatherND", "Scatter", "ScatterElements", "ScatterND"),
    *("GridSample", "RoiAlign", "MaxRoiPool", "DeformConv", "OneHot", "MaxUnpool"),
)
_SORTS = ("TopK", "Unique", "NonMaxSuppression")
Run = Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]
Arrays = Mapping[str, np.ndarray]


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
    with NaN or infinities: they are named in `constant_outputs` and `non_finite_outputs`. `nan`
    says of each floating-point output whether NaN comes out where it does in ONNX Runtime when
    there is one in the middle of each input.

    A file of fp16 numbers, or one that quantises, rounds much more coarsely than fp32 does, and
    where a sum lies between two steps it matters in which order it was added: ONNX Runtime's own
    results then differ from each other, without its optimisations or with fp32 weights that are
    off by a rounding, by the `onnxruntime_varies` of the account. Such a file may differ by twice
    that, and by `FP16.tolerance` at least. A file of fp16 numbers that differs by more may still be
    right: ONNX Runtime rounds, and overflows, between any two nodes, and the compiled model does
    not. It is then judged by ONNX Runtime in fp32 arithmetic, which `against` says; `as_given` has
    the differences from the file as given, None where one is infinite. An output of a quantised
    file that differs by more may be as near to what was rounded as ONNX Runtime's is: that is its
    result without roundings to integers. Where the root mean square of the distance from it is at
    most 1.1 times ONNX Runtime's, the output may differ by twice ONNX Runtime's largest distance.

    An output of another file that differs by more than `tolerance` may be no more than roundings:
    where all numbers of a row are the same, a normalisation divides them by each other. With
    `signed` it may differ by twice what ONNX Runtime's own result varies by with a rounding more
    after every node; on one of the two kinds of inputs only, so that the other judges it.

    Raises CheckFailed above what is allowed, InputError where ONNX Runtime cannot run the model, or
    where fp16, for which `tolerance` is, keeps too few digits for it: roundings to fp16 after every
    node move ONNX Runtime's own result by more.
    """
    inputs = random_inputs(model.inputs)
    reference = Reference(model)
    expected = reference.run(inputs)  # first: what it cannot run, the compiled model may die of
    results = run(inputs)
    differences = _differences(results, expected)
    account: dict[str, Any] = {"against": "ONNX Runtime", "where": where}
    allowed = tolerance
    unsure: Mapping[str, float] = {}
    if model.half or model.quantised:
        varies = max(_variations(model, inputs, expected, FORMS).values(), default=0.0)
        account["onnxruntime_varies"] = varies
        allowed = _allowed(tolerance, varies)
    elif signed:
        unsure = _roundings(model, inputs, expected, differences, tolerance)
    if model.half and not _largest(differences) <= allowed:
        account["against"] = "ONNX Runtime in fp32 arithmetic"
        account["as_given"] = {name: _finite(one) for name, one in differences.items()}
        allowed = max(tolerance, HALF_STEP)
        reference = Reference(model, "wide")
        expected = reference.run(inputs)
        differences = _differences(results, expected)
    if model.quantised:
        unsure = _as_near(model, inputs, results, expected, differences, allowed)
    if tolerance == FP16.tolerance and not (model.half or model.quantised):
        _judge_digits(model, inputs, expected, differences, allowed)
    _judge(model, differences, allowed, unsure, account["against"])
    _judge_types(model, results, expected)
    account |= {
        "inputs": f"uniform [0, 1), seed {SEED}",
        "tolerance": max(allowed, *unsure.values()) if unsure else allowed,
        "relative_difference": differences,
        "constant_outputs": [name for name, value in expected.items() if _is_constant(value)],
        "non_finite_outputs": [name for name, value in expected.items() if not _is_finite(value)],
    }
    if signed:
        inputs = random_inputs(model.inputs, signed=True)
        expected = reference.run(inputs)
        finite = {name: value for name, value in expected.items() if _is_finite(value)}
        differences = _differences(run(inputs), finite)
        more: Mapping[str, float] = {}
        if not (model.half or model.quantised):
            sure = {name: one for name, one in differences.items() if name not in unsure}
            more = _roundings(model, inputs, finite, sure, allowed)
        _judge(model, differences, allowed, more, account["against"])
        account["signed"] = {
            "inputs": f"standard normal, seed {SEED}",
            "relative_difference": differences,
        }
    account["nan"] = {
        "inputs": "one NaN, in the middle of each",
        "arrives": _nan_arrives(model, run, reference),
    }
    return account


def allowed_difference(model: Model) -> float:
    """By how much results of a file that quantises, or is of fp16 numbers, may differ.

    As `check_against_onnxruntime` judges: of the largest value of ONNX Runtime's. Raises InputError
    where ONNX Runtime cannot run the model.
    """
    inputs = random_inputs(model.inputs)
    expected = Reference(model).run(inputs)
    varies = max(_variations(model, inputs, expected, FORMS).values(), default=0.0)
    return _allowed(FP32.tolerance, varies)


def _allowed(tolerance: float, varies: float) -> float:
    return max(tolerance, FP16.tolerance, TIMES_VARIATION * varies)


def _roundings(
    model: Model, inputs: Arrays, expected: Arrays, differences: Mapping[str, float], allowed: float
) -> dict[str, float]:
    """By what outputs that differ by more than `allowed` may differ, for roundings alone."""
    far = {name: expected[name] for name, one in differences.items() if not one <= allowed}
    if not far:
        return {}
    varies = _variations(model, inputs, far, ROUNDINGS)
    return {name: TIMES_VARIATION * one for name, one in varies.items()}


def _as_near(
    model: Model,
    inputs: Arrays,
    results: Arrays,
    expected: Arrays,
    differences: Mapping[str, float],
    allowed: float,
) -> dict[str, float]:
    """By what outputs of a quantised model may differ that are as near to what was rounded."""
    far = [name for name, one in differences.items() if np.isfinite(one) and one > allowed]
    found: dict[str, float] = {}
    if not far:
        return found
    with contextlib.suppress(InputError):
        exact = Reference(model, "unrounded").run(inputs)
        for name in far:
            ours, theirs = (_distance(one[name], exact[name]) for one in (results, expected))
            if ours <= TIMES_DISTANCE * theirs:
                largest = relative_difference(expected[name], exact[name])
                found[name] = TIMES_VARIATION * largest
    return found


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    """The root mean square of the difference."""
    return float(np.sqrt(np.mean((one.astype(np.float64) - other.astype(np.float64)) ** 2)))


def _variations(
    model: Model, inputs: Arrays, expected: Arrays, forms: Sequence[tuple[Form, int]]
) -> dict[str, float]:
    """By how much each of ONNX Runtime's results differs at most from its result in other forms.

    Infinite differences, and forms that it cannot run, are none.
    """
    found = dict.fromkeys(expected, 0.0)
    for form, seed in forms:
        with contextlib.suppress(InputError):
            others = Reference(model, form, seed).run(inputs)
            for name, one in _differences(others, expected).items():
                found[name] = max(found[name], _finite(one) or 0.0)
    return found


def _nan_arrives(model: Model, run: Run, reference: Reference) -> dict[str, bool] | None:
    """Whether NaN stands where ONNX Runtime has it, for each output that can hold it.

    None where a model reads at places that it computes: that is not tried.
    """
    weights = {tensor.name for tensor in model.proto.graph.initializer}
    for graph in graphs(model.proto.graph):
        for node in graph.node:
            by_index = node.op_type in _BY_INDEX and not set(node.input[1:2]) <= weights
            if by_index or node.op_type in _SORTS:
                return None
    inputs = random_inputs(model.inputs)
    for value in inputs.values():
        if value.size and np.issubdtype(value.dtype, np.floating):
            value.flat[value.size // 2] = np.nan
    expected, results = reference.run(inputs), run(inputs)
    return {
        name: bool(np.array_equal(np.isnan(value), np.isnan(results[name])))
        for name, value in expected.items()
        if np.issubdtype(value.dtype, np.floating)
    }


def _differences(results: Arrays, expected: Arrays) -> dict[str, float]:
    return {name: relative_difference(results[name], expected[name]) for name in expected}


def _largest(differences: Mapping[str, float]) -> float:
    return max(differences.values(), default=0.0)


def _finite(difference: float) -> float | None:
    return difference if np.isfinite(difference) else None


def _judge(
    model: Model,
    differences: Mapping[str, float],
    tolerance: float,
    more: Mapping[str, float],
    against: str,
) -> None:
    """Raises CheckFailed for an output beyond the tolerance, and beyond its own in `more`."""
    for name, difference in differences.items():
        if not difference <= max(tolerance, more.get(name, 0.0)):
            raise CheckFailed(
                f"{model.path}: output {name!r} of the compiled model differs from "
                f"{against} by {difference:.2e} of its largest value (at most {tolerance:g} is "
                "allowed)"
            )


def _judge_digits(
    model: Model, inputs: Arrays, expected: Arrays, differences: Mapping[str, float], allowed: float
) -> None:
    """Raises InputError for an output beyond what is allowed that roundings to fp16 move as far."""
    far = {name: expected[name] for name, one in differences.items() if not one <= allowed}
    if not far:
        return
    for name, varies in _variations(model, inputs, far, HALVED).items():
        if differences[name] <= TIMES_VARIATION * varies:
            raise InputError(
                f"{model.path}: fp16 keeps too few digits for output {name!r}: roundings to fp16 "
                f"alone move it by {varies:.2g} of its largest value in ONNX Runtime, and "
                f"{allowed:g} is allowed",
                advice="compile it with --precision fp32",
            )


def _judge_types(model: Model, results: Arrays, expected: Arrays) -> None:
    for name, value in expected.items():
        if results[name].dtype != value.dtype:
            raise CheckFailed(
                f"{model.path}: output {name!r} of the compiled model is {results[name].dtype}, "
                f"that of ONNX Runtime {value.dtype}"
            )


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


def _is_constant(value: np.ndarray) -> bool:
    return value.size > 1 and bool((value == value.flat[0]).all())


def _is_finite(value: np.ndarray) -> bool:
    return bool(np.isfinite(value.astype(np.float64)).all())
