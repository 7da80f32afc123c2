"""Tiny ONNX models, and their results by this compiler beside ONNX Runtime's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import tvm
from onnx import TensorProto, helper, numpy_helper
from tvm import relax

from compile import targets
from compile.check import check_against_onnxruntime
from compile.compiled import Compiled
from compile.graph.accounting import operator_macs
from compile.graph.clip_to_minmax import clip_to_minmax
from compile.graph.remove_identities import fold_constants, remove_identities
from compile.lowering import build
from compile.onnx.checked_model import load_model
from compile.onnx.importer import import_model
from compile.pipeline import generate
from compile.precision import FP32, Precision
from compile.runtime.executable import Machine, by_name

RESIZES: dict[str, dict[str, str]] = {
    "nearest": {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
    "nearest half-pixel": {"nearest_mode": "round_prefer_floor"},
    "bilinear": {"mode": "linear"},
    "bilinear corners": {"mode": "linear", "coordinate_transformation_mode": "align_corners"},
}
Rewrite = Callable[[Any], tuple[Any, int]]
REWRITE_TOLERANCE = 3e-6
Agree = Callable[..., Compiled]


def run_onnxruntime(model: onnx.ModelProto) -> np.ndarray:
    """The first output of a model on ONNX Runtime, for seeded inputs."""
    random = np.random.default_rng(0)
    inputs = {
        value.name: random.random(
            [dim.dim_value for dim in value.type.tensor_type.shape.dim], np.float32
        )
        for value in model.graph.input
    }
    return next(iter(run_on_onnxruntime(model, inputs).values()))


def run_on_onnxruntime(
    model: onnx.ModelProto, inputs: dict[str, np.ndarray], *, as_written: bool = False
) -> dict[str, np.ndarray]:
    """The outputs of a model on ONNX Runtime by name, optimised first unless `as_written`."""
    options = onnxruntime.SessionOptions()
    if as_written:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    values = session.run(None, inputs)
    return dict(zip([port.name for port in session.get_outputs()], values, strict=True))


class Graph:
    """Builds an ONNX model node by node; weights are seeded normal numbers."""

    def __init__(self, seed: int = 0) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self._random = np.random.default_rng(seed)

    def input(self, shape: Sequence[int | str], name: str = "x") -> str:
        """A float32 input."""
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def weight(self, *shape: int) -> str:
        """A float32 weight of random values, scaled as layers are initialised."""
        fan = max(1, int(np.prod(shape[1:])))
        value = self._random.standard_normal(shape) / np.sqrt(fan)
        return self.constant(value.astype(np.float32))

    def constant(self, value: Any) -> str:
        """A weight of the given value."""
        name = f"c{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def add(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """A node; returns the name of its output, or of several."""
        names = [f"{operator.lower()}{len(self.nodes)}_{i}" for i in range(outputs)]
        node = helper.make_node(operator, inputs, names, name=f"/{names[0]}", **attributes)
        self.nodes.append(node)
        return names[0] if outputs == 1 else names

    def convolution(
        self, x: str, weight: Sequence[int], *, bias: bool = True, **attributes: Any
    ) -> str:
        """A convolution by random weights, [outputs, inputs of a group, kernel], and biases."""
        weights = [self.weight(*weight), *([self.weight(weight[0])] if bias else [])]
        return self.add("Conv", x, *weights, **attributes)

    def resize(self, x: str, factors: Sequence[float], kind: str = "nearest") -> str:
        """A resize of height and width; `kind` is one of RESIZES."""
        scales = self.constant(np.array([1, 1, *factors], np.float32))
        attributes: dict[str, Any] = {"mode": "nearest", **RESIZES[kind]}
        return self.add("Resize", x, "", scales, **attributes)

    def shuffle(self, x: str, groups: int, shape: Sequence[int]) -> str:
        """A channel shuffle of an image of `shape`, [channels, height, width]."""
        channels, height, width = shape
        split = [1, groups, channels // groups, height, width]
        y = self.add("Reshape", x, self.constant(np.array(split)))
        y = self.add("Transpose", y, perm=[0, 2, 1, 3, 4])
        return self.add("Reshape", y, self.constant(np.array([1, *shape])))

    def model(self, *outputs: str, opset: int = 18) -> onnx.ModelProto:
        """The finished model; output shapes are inferred."""
        results = [helper.make_empty_tensor_value_info(name) for name in outputs]
        graph = helper.make_graph(self.nodes, "g", self.inputs, results, self.weights)
        domains = sorted({node.domain for node in self.nodes} - {""})
        opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(one, 1) for one in domains)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
        return onnx.shape_inference.infer_shapes(model)


def compile_and_compare(
    model: onnx.ModelProto,
    folder: Path,
    target: str = "host",
    *,
    tolerance: float = 2e-5,
    threads: int = 1,
    numbers: Precision = FP32,
) -> Compiled:
    """Compile in memory with the target's schedules, run here, and compare with ONNX Runtime."""
    path = folder / "model.onnx"
    onnx.save(model, str(path))
    source = load_model(path)
    machine = targets.get(target, threads)
    compiled = generate(source, machine, numbers)
    executable = compiled.executable
    if not machine.runs_here:
        executable = build.lower(compiled.scheduled, targets.get("host"))
    run = by_name(Machine(executable), source.inputs, [port.name for port in compiled.outputs])
    account = check_against_onnxruntime(source, run, where="test", tolerance=1.0)
    assert max(account["relative_difference"].values()) <= tolerance
    return compiled


@dataclass
class Rewritten:
    """What a rewrite did to a model."""

    applied: int
    operators: list[str]
    macs_before: int
    macs: int

    @property
    def count(self) -> Counter[str]:
        return Counter(self.operators)


Rewrites = Callable[..., Rewritten]


def operators(mod: Any) -> list[str]:
    """The operators of `main` in order."""
    values = [binding.value for block in mod["main"].body.blocks for binding in block.bindings]
    return [
        value.op.name.removeprefix("relax.")
        for value in values
        if isinstance(value, relax.Call) and isinstance(value.op, tvm.ir.Op)
    ]


@pytest.fixture(scope="session")
def agree(tmp_path_factory: pytest.TempPathFactory) -> Agree:
    """`agree(model, target)` fails unless the compiled model does what ONNX Runtime does."""
    folder = tmp_path_factory.mktemp("models")

    def compare(model: onnx.ModelProto, target: str = "host", **options: Any) -> Compiled:
        return compile_and_compare(model, folder, target, **options)

    return compare


@pytest.fixture(scope="session")
def new_graph() -> type[Graph]:
    """Makes empty graphs, for tests that need a new one for each example."""
    return Graph


@pytest.fixture
def graph() -> Graph:
    """An empty graph to build a model in."""
    return Graph()


@pytest.fixture
def rewritten(tmp_path: Path) -> Rewrites:
    """`rewritten(model, rewrite)` applies it; fails unless the result is ONNX Runtime's."""

    def apply(model: onnx.ModelProto, rewrite: Rewrite) -> Rewritten:
        onnx.save(model, str(tmp_path / "model.onnx"))
        source = load_model(tmp_path / "model.onnx")
        before = fold_constants(clip_to_minmax(import_model(source)))
        after, applied = rewrite(before)
        assert applied or rewrite is remove_identities or after.same_as(before)
        with tvm.target.Target("llvm"):
            executable = relax.build(relax.transform.LegalizeOps()(after), "llvm")
        run = by_name(Machine(executable), source.inputs, source.outputs)
        account = check_against_onnxruntime(source, run, where="test", tolerance=1.0)
        assert not account["constant_outputs"]
        assert max(account["relative_difference"].values()) <= REWRITE_TOLERANCE
        return Rewritten(applied, operators(after), operator_macs(before), operator_macs(after))

    return apply
