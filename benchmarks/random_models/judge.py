"""What becomes of one drawn model: does it compile, and agree with ONNX Runtime?"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator

from compile import targets
from compile.check import check_against_onnxruntime, relative_difference
from compile.onnx.checked_model import Model, load_model
from compile.onnx.roundings import add_roundings
from compile.onnx.widening import widen
from compile.precision import FP16, FP32, for_target
from compile.reference import HALF_ROUNDING, ROUNDING
from depthbench.errors import CheckFailed, InputError
from depthbench.one_line import one_line
from random_models.draw import Draw, Drawer, NotDrawn

AGREED, REFUSED, FAILED = "agreed", "refused", "failed the check"
WRONG, INTERNAL = "silently wrong", "internal error"
KINDS = (AGREED, REFUSED, FAILED, WRONG, INTERNAL)
MAX_DRAWS = 50
HALF_TOLERANCE = 1e-2
# What lies between two steps may be rounded to the other one.
STEP_TOLERANCE = 5e-2
# Of numbers about one: log(1 + x) knows no smaller ones.
LAST_DIGIT = 1.2e-7
# How many times what rounding alone does is let through, and how often that is asked.
MAX_NOISE, MAX_HALF_NOISE = 10.0, 2.0
ROUNDED_RUNS = 5
# On how many kinds of inputs an output must agree, to so much, whatever roundings do on the others.
MIN_SURE, SURE = 2, 1e-3
Feeds = dict[str, np.ndarray]


@dataclass(frozen=True)
class Way:
    """A target, a precision and a number of threads."""

    target: str = "host"
    precision: str = FP32.name
    threads: int = 1

    def __str__(self) -> str:
        return f"{self.target} {self.precision}, {self.threads} threads"


@dataclass(frozen=True)
class Verdict:
    """What became of the model of this number, why, and how many draws before it were none."""

    number: int
    operator: str
    kind: str
    why: str
    way: Way
    redrawn: int = 0


def draw_model(operator: str, drawer: Drawer, seed: tuple[int, ...]) -> tuple[bytes | None, int]:
    """A model that ONNX Runtime runs, and how many draws were none; None after `MAX_DRAWS`."""
    for attempt in range(MAX_DRAWS):
        draw = Draw((*seed, attempt))
        draw.draw_opset(operator)
        try:
            drawer(draw)
            content = draw.model().SerializeToString()
            reference(content)(some_inputs(draw.model().graph, "uniform", 0))
        except NotDrawn:
            continue
        except Exception:  # ONNX Runtime's own exceptions have no common base
            continue
        return content, attempt
    return None, MAX_DRAWS


def reference(content: bytes, *, plain: bool = False) -> Callable[[Feeds], list[np.ndarray]]:
    """ONNX Runtime on a model as users run it, or without optimisations, on one thread."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    if plain:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda feeds: [np.asarray(value) for value in session.run(None, feeds)]


_SCALES = {"uniform": 1.0, "normal": 1.0, "large": 30.0, "small": 1e-2, "negative": -1.0}
KINDS_OF_INPUTS = (*_SCALES, "zeros")


def some_inputs(graph: onnx.GraphProto, kind: str, seed: int) -> Feeds:
    """Inputs of one of `KINDS_OF_INPUTS`.

    Integers are 0 or 1, which is what an index can be, but for large ones.
    """
    random = np.random.default_rng([seed, *kind.encode()])
    feeds = {}
    for value in graph.input:
        shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        elem_type = value.type.tensor_type.elem_type
        dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(elem_type))
        array: np.ndarray
        if dtype.kind == "f":
            drawn = random.random(shape) if kind == "uniform" else random.standard_normal(shape)
            array = np.asarray(np.abs(drawn) if kind == "negative" else drawn)
            array = array * _SCALES.get(kind, 0.0)
        elif kind == "large" and dtype.kind in "iu":
            array = random.integers(-100 if dtype.kind == "i" else 0, 101, shape)
        else:
            array = random.integers(0, 2, shape) if kind != "zeros" else np.zeros(shape)
        feeds[value.name] = np.asarray(array).astype(dtype)
    return feeds


def judge(content: bytes, way: Way, seed: int = 0) -> tuple[str, str]:
    """One of `KINDS`, and why.

    An output may differ by more than the tolerance where roundings alone, to fp16 if that was asked
    for, move ONNX Runtime's own result about as far. On `MIN_SURE` kinds of inputs that must be by
    no more than `SURE`; for fp16 the check within its tolerance is enough. Where infinities made
    ONNX Runtime's result no number, it may be the one that float64 gives.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(content)
        try:
            run, model, check = _compiled(path, way)
        except InputError as error:
            advice = f" ({error.advice})" if error.advice else ""
            return REFUSED, error.message.removeprefix(f"{path}: ") + advice
        except CheckFailed as error:
            return FAILED, error.message.removeprefix(f"{path}: ")
        except Exception as error:
            return INTERNAL, f"{type(error).__name__}: {one_line(error)}"
    graph = onnx.ModelProto.FromString(content).graph
    reference_run = reference(content)
    kinds = ("uniform",) if way.precision != FP32.name else KINDS_OF_INPUTS
    sure: Counter[str] = Counter()
    unsure: dict[str, str] = {}
    for kind in kinds:
        feeds = some_inputs(graph, kind, seed + 1)
        try:
            wanted = dict(zip(model.outputs, reference_run(feeds), strict=True))
        except Exception:  # an index that is out of range, for one
            continue
        results = run(feeds)
        floats = {name: one for name, one in wanted.items() if one.dtype.kind == "f"}
        for name, one in wanted.items():
            if not (check["nan"]["arrives"] or {}).get(name, True):
                # The manifest says that NaN is lost: what stands in its place is nobody's.
                results[name] = np.where(np.isnan(one), one, results[name])
        if any((np.isnan(one) & ~np.isnan(results[name])).any() for name, one in floats.items()):
            _allow_the_standard(content, feeds, results, floats)
        differences = {name: _difference(results[name], one) for name, one in wanted.items()}
        far = [
            name
            for name, one in wanted.items()
            if not differences[name] <= _tolerance(graph, way, one)
        ]
        sure.update(wanted.keys() - far)
        half = way.precision == FP16.name
        noise = rounding_noise(content, feeds, wanted, half=half) if far else {}
        for name in far:
            unsure[name] = f"{name} differs by {differences[name]:.2e} on {kind} inputs"
            if not differences[name] <= noise[name]:
                return WRONG, unsure[name]
            sure[name] += half or differences[name] <= SURE
    for name, why in unsure.items():
        if sure[name] < min(MIN_SURE, len(kinds)):
            return WRONG, why
    return AGREED, ""


def _difference(result: np.ndarray, value: np.ndarray) -> float:
    if value.dtype.kind == "f" and np.allclose(
        result, value, rtol=0, atol=LAST_DIGIT, equal_nan=True
    ):
        return 0.0
    return relative_difference(result, value)


def _tolerance(graph: onnx.GraphProto, way: Way, value: np.ndarray) -> float:
    tolerance = for_target(way.precision, targets.get(way.target, way.threads)).tolerance
    if any("Linear" in node.op_type and "Q" in node.op_type for node in graph.node):
        tolerance = max(tolerance, STEP_TOLERANCE)
    return max(tolerance, HALF_TOLERANCE) if value.dtype == np.float16 else tolerance


def _allow_the_standard(content: bytes, feeds: Feeds, results: Feeds, wanted: Feeds) -> None:
    """Put ONNX Runtime's NaN where a result is what ONNX's reference makes of it in float64.

    ONNX Runtime resizes with weights of nothing, say, which make NaN of an infinity.
    """
    proto = onnx.ModelProto.FromString(content)
    widen(proto, onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE)
    try:
        session = ReferenceEvaluator(proto)
        with np.errstate(all="ignore"):
            standard = dict(zip(session.output_names, session.run(None, feeds), strict=True))
    except Exception:  # it does not know every operator
        return
    for name, one in wanted.items():
        alike = np.isclose(results[name], standard[name], rtol=SURE, atol=0)
        results[name] = np.where(np.isnan(one) & alike, one, results[name])


def rounding_noise(
    content: bytes, feeds: Feeds, wanted: Feeds, *, half: bool = False
) -> dict[str, float]:
    """How far roundings move each of ONNX Runtime's results, relatively, times `MAX_NOISE`.

    That is measured: without its optimisations, with inputs whose last digits are others, and with
    a rounding more after every node. With `half` roundings are those to fp16, and the result is
    `MAX_HALF_NOISE` times what they do.
    """
    size, times = (HALF_ROUNDING, MAX_HALF_NOISE) if half else (ROUNDING, MAX_NOISE)
    moved = {
        name: value * value.dtype.type(1 + size) if value.dtype == np.float32 else value
        for name, value in feeds.items()
    }
    others = [
        reference(content, plain=True)(feeds),
        reference(content)(moved),
        *(
            reference(_rounded(content, size, seed), plain=True)(feeds)
            for seed in range(ROUNDED_RUNS)
        ),
    ]
    return {
        name: times * max(relative_difference(other[place], value) for other in others)
        for place, (name, value) in enumerate(wanted.items())
    }


def _rounded(content: bytes, size: float, seed: int) -> bytes:
    proto = onnx.ModelProto.FromString(content)
    add_roundings(proto, size, seed)
    return bytes(proto.SerializeToString())


def _compiled(path: Path, way: Way) -> tuple[Callable[[Feeds], Feeds], Model, dict[str, Any]]:
    """What `compile` makes of a file, without a library on disk, and the account of its check."""
    from compile.lowering import build
    from compile.pipeline import generate
    from compile.runtime.executable import Machine, by_name

    machine = targets.get(way.target, way.threads)
    numbers = for_target(way.precision, machine)
    source = load_model(path)
    compiled = generate(source, machine, numbers)
    executable = compiled.executable
    if not machine.runs_here:
        executable = build.lower(compiled.scheduled, targets.get("host"))
    outputs = [port.name for port in compiled.outputs]
    run = by_name(Machine(executable, way.threads), source.inputs, outputs)
    fp32 = numbers.storage == FP32.storage
    check = check_against_onnxruntime(
        source, run, where="here", tolerance=numbers.tolerance, signed=fp32
    )
    return run, source, check
