from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import tvm
from onnx import TensorProto, helper, numpy_helper

from compile.library_errors import as_input_error, silenced
from compile.pipeline import compile_model
from depthbench.errors import InputError
from tests.compile.conftest import Graph


def test_only_what_tvm_logs_is_left_out(capfd: pytest.CaptureFixture[str]) -> None:
    with silenced():
        with silenced():
            tvm.tirx.pow(tvm.tirx.Var("x", "float32"), tvm.tirx.const(4, "float32"))
        os.write(2, b"ours\n")
    sys.stderr.write("after\n")
    assert capfd.readouterr().err == "ours\nafter\n"


def test_arithmetic_warns_of_nothing(recwarn: pytest.WarningsRecorder) -> None:
    with as_input_error("it"):
        assert np.float64(1) / np.float64(0) == np.inf
    assert not recwarn


def test_powers_compile_without_a_word(
    graph: Graph, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = graph.model(graph.add("Pow", graph.input([4, 9]), graph.constant(np.float32(3))))
    onnx.save(model, str(tmp_path / "model.onnx"))
    compile_model(tmp_path / "model.onnx", "host", tmp_path / "out")
    assert capfd.readouterr().err == ""


def test_what_tvm_cannot_write_as_loops_is_one_error(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A zero point that is an image, which fails half way through a pass."""
    node = helper.make_node("DequantizeLinear", ["x", "scale", "x"], ["y"], axis=-3)
    ports = [
        helper.make_tensor_value_info("x", TensorProto.INT8, [1, 1, 6, 9]),
        helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 6, 9]),
    ]
    weights = [numpy_helper.from_array(np.ones(1, np.float32), "scale")]
    graph = helper.make_graph([node], "g", ports[:1], ports[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(InputError):
        compile_model(tmp_path / "model.onnx", "host", tmp_path / "out")
    assert capfd.readouterr().err == ""
