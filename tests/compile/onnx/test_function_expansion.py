"""Functions that are written out before TVM sees the model compute the same on ONNX Runtime."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from compile.onnx.function_expansion import expand_functions
from tests.compile.conftest import Agree, Graph, run_onnxruntime

PLAIN = {"Add", "Mul", "Gather", "MatMul", "Transpose", "Identity", "Constant"}


@pytest.mark.parametrize(
    ("operator", "opset"),
    [("Celu", 13), ("Celu", 20), ("MeanVarianceNormalization", 20), ("Shrink", 20), ("Swish", 24)],
)
def test_functions_are_written_out(agree: Agree, graph: Graph, operator: str, opset: int) -> None:
    model = graph.model(graph.add(operator, graph.input([1, 4, 5, 6])), opset=opset)
    model.graph.output[0].CopyFrom(
        onnx.helper.make_tensor_value_info(model.graph.output[0].name, 1, [1, 4, 5, 6])
    )
    made = expand_functions(Path(), copy.deepcopy(model), PLAIN, opset)
    assert operator not in {node.op_type for node in made.graph.node}
    np.testing.assert_allclose(run_onnxruntime(made), run_onnxruntime(model), rtol=1e-5, atol=1e-5)
    agree(model)


@pytest.mark.parametrize(
    "value", [{"value_float": 2.5}, {"value_floats": [1.0, 2.0, 3.0]}, {"value_ints": [3, 2, 1]}]
)
def test_constants_of_every_form(agree: Agree, graph: Graph, value: dict[str, Any]) -> None:
    constant = graph.add("Cast", graph.add("Constant", **value), to=onnx.TensorProto.FLOAT)
    agree(graph.model(graph.add("Mul", graph.input([2, 3]), constant)))
