from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from compile.graph.compute_constants import compute_constants
from compile.graph.tensors import is_operator
from compile.onnx.checked_model import load_model
from compile.onnx.importer import import_model
from tests.compile.conftest import Agree, Graph


def reshapes(mod: Any) -> int:
    values = [binding.value for block in mod["main"].body.blocks for binding in block.bindings]
    return sum(is_operator(value, "reshape") for value in values)


def test_constants_alone_lose_their_reshapes(graph: Graph, tmp_path: Path) -> None:
    y = graph.convolution(graph.input([1, 3, 8, 8]), [6, 3, 3, 3])  # its bias is reshaped
    flat = graph.add("Reshape", graph.weight(2, 3), graph.constant(np.array([1, 6, 1, 1])))
    again = graph.add("Reshape", flat, graph.constant(np.array([6, 1, 1])))
    y = graph.add("Reshape", graph.add("Add", y, again), graph.constant(np.array([1, -1])))
    onnx.save(graph.model(y), str(tmp_path / "model.onnx"))
    mod = import_model(load_model(tmp_path / "model.onnx"))
    assert reshapes(mod) > 1
    assert reshapes(compute_constants(mod)) == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int64, np.bool_])
def test_keeps_numbers_and_types(agree: Agree, graph: Graph, dtype: type) -> None:
    shape = graph.constant(np.array([2, 3]))
    y = graph.add("Reshape", graph.constant(np.arange(6).astype(dtype)), shape)
    read = graph.add("Add", graph.input([2, 3]), graph.add("Cast", y, to=onnx.TensorProto.FLOAT))
    outputs = agree(graph.model(read, y)).outputs
    assert [output.dtype for output in outputs] == ["float32", np.dtype(dtype).name]


@pytest.mark.parametrize("index", [1, -2, [2, 0], [[-1], [1]]])
@pytest.mark.parametrize("dtype", [np.int64, np.int32])
def test_known_indices_are_numbers(
    agree: Agree, graph: Graph, tmp_path: Path, index: Any, dtype: type
) -> None:
    place = graph.constant(np.array(index, dtype))
    model = graph.model(graph.add("Gather", graph.input([2, 3, 4]), place, axis=1))
    onnx.save(model, str(tmp_path / "model.onnx"))
    mod = compute_constants(import_model(load_model(tmp_path / "model.onnx")))
    first, *_ = (one for block in mod["main"].body.blocks for one in block.bindings)
    assert is_operator(first.value, "take")
    agree(model)
