"""Models of one node, and whether what they are written out as computes the same."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from compile.check import relative_difference
from compile.onnx.function_expansion import expand_functions
from tests.compile.conftest import run_on_onnxruntime

Feeds = dict[str, np.ndarray]


def one_node(
    operator: str,
    opset: int,
    /,
    *operands: np.ndarray | None,
    constants: int = 0,
    outputs: int | Sequence[str] = 1,
    domain: str = "",
    **attributes: Any,
) -> tuple[onnx.ModelProto, Feeds]:
    """A model of one node, and its inputs; the last `constants` operands are weights.

    `outputs` is how many there are, or their names, "" for one that is left out.
    """
    names = ["" if value is None else f"x{i}" for i, value in enumerate(operands)]
    results = [f"y{i}" for i in range(outputs)] if isinstance(outputs, int) else list(outputs)
    node = helper.make_node(operator, names, results, name="it", domain=domain, **attributes)
    named = {name: value for name, value in zip(names, operands, strict=True) if value is not None}
    weights = [name for name in names[len(names) - constants :] if name]
    inputs = [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape
        )
        for name, value in named.items()
        if name not in weights
    ]
    graph = helper.make_graph(
        [node],
        "g",
        inputs,
        [helper.make_empty_tensor_value_info(name) for name in results if name],
        [numpy_helper.from_array(named[name], name) for name in weights],
    )
    opsets = [helper.make_opsetid("", opset), *([helper.make_opsetid(domain, 1)] if domain else [])]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    model = onnx.shape_inference.infer_shapes(model)
    return model, {name: value for name, value in named.items() if name not in weights}


def assert_defined(model: onnx.ModelProto, feeds: Feeds, *, tolerance: float = 2e-5) -> None:
    """Fails unless the node is written out as others that compute the same on ONNX Runtime."""
    opset, (node,) = model.opset_import[0].version, model.graph.node
    made = expand_functions(Path(), copy.deepcopy(model), {node.op_type}, opset)
    assert [one.name for one in made.graph.node] != [node.name]
    wanted, found = run_on_onnxruntime(model, feeds), run_on_onnxruntime(made, feeds)
    for name, value in wanted.items():
        assert found[name].dtype == value.dtype
        assert relative_difference(found[name], value) < tolerance, name


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """Seeded standard-normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
