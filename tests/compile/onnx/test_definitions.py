"""Operators that are defined by others compute the same on ONNX Runtime, for all forms."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from compile.check import relative_difference
from compile.onnx.function_expansion import expand_functions
from tests.compile.conftest import run_on_onnxruntime


def one_node(
    operator: str,
    opset: int,
    *operands: np.ndarray | None,
    constants: int = 0,
    outputs: int = 1,
    **attributes: Any,
) -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
    """A model of one node, and its inputs; the last `constants` operands are weights."""
    names = ["" if value is None else f"x{i}" for i, value in enumerate(operands)]
    results = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(operator, names, results, **attributes)
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
        [helper.make_empty_tensor_value_info(name) for name in results],
        [numpy_helper.from_array(named[name], name) for name in weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    model = onnx.shape_inference.infer_shapes(model)
    return model, {name: value for name, value in named.items() if name not in weights}


def assert_defined(
    model: onnx.ModelProto, feeds: dict[str, np.ndarray], *, known: set[str] | None = None
) -> None:
    """Fails unless the written-out model has another node and computes the same."""
    opset, operator = model.opset_import[0].version, model.graph.node[0].op_type
    made = expand_functions(Path(), copy.deepcopy(model), known or {operator}, opset)
    assert [node.op_type for node in made.graph.node] != [operator]
    wanted, found = run_on_onnxruntime(model, feeds), run_on_onnxruntime(made, feeds)
    for name, value in wanted.items():
        assert relative_difference(found[name], value) < 2e-5, name


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
    st.integers(-4, 3),
    st.booleans(),
    st.integers(1, 3),
    st.sampled_from([17, 18, 20, 23]),
)
def test_layer_normalization(
    shape: list[int], axis: int, biased: bool, outputs: int, opset: int
) -> None:
    axis = axis % len(shape) - (len(shape) if axis < 0 else 0)
    scale = normal(*shape[axis:], seed=1)
    bias = [normal(*shape[axis:], seed=2)] if biased else []
    if outputs > 1:
        assert_defined(
            *one_node(
                "LayerNormalization",
                opset,
                normal(*shape),
                scale,
                *bias,
                outputs=outputs,
                axis=axis,
                epsilon=0.01,
            )
        )
