"""`depthbench compile` says in one line what has no schedule, and in one what is slow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from compile import relative_speed

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def slow_model(tmp_path: Path) -> Path:
    """A convolution by weights that are an input, and a running sum."""
    x, w = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("x", [1, 4, 9, 9]), ("w", [6, 4, 3, 3]))
    )
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"]),
        helper.make_node("CumSum", ["c", "axis"], ["s"]),
        helper.make_node("Relu", ["s"], ["y"]),
    ]
    axis = numpy_helper.from_array(np.array(1), "axis")
    results = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 6, 7, 7])]
    graph = helper.make_graph(nodes, "g", [x, w], results, [axis])
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), tmp_path / "m.onnx")
    return tmp_path / "m.onnx"


@pytest.mark.parametrize("target", ["host", "arm64-a76"])
def test_what_has_no_schedule_is_one_line(run: Run, slow_model: Path, target: str) -> None:
    code, out, _ = run("compile", slow_model, "--target", target)
    (line,) = [line for line in out.splitlines() if line.startswith("no schedule")]
    assert code == 0
    assert "conv2d (100.0% of the multiply-adds, " in line
    assert "cumsum (0.0% of the multiply-adds, " in line


def test_what_is_slow_here_is_one_line(
    run: Run, slow_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relative_speed, "SLOW", 0.0)
    monkeypatch.setattr(relative_speed, "NOTICEABLE_S", 0.0)
    _, out, _ = run("compile", slow_model, "--target", "host")
    (line,) = [line for line in out.splitlines() if line.startswith("slow: ")]
    assert " times ONNX Runtime's time here, of which " in line


def test_products_of_bytes_are_no_warning(run: Run, tmp_path: Path) -> None:
    a = helper.make_tensor_value_info("a", TensorProto.UINT8, [4, 8])
    y = helper.make_tensor_value_info("y", TensorProto.INT32, [4, 6])
    weight = numpy_helper.from_array(np.ones((8, 6), np.int8), "b")
    node = helper.make_node("MatMulInteger", ["a", "b"], ["y"])
    graph = helper.make_graph([node], "g", [a], [y], [weight])
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), tmp_path / "b.onnx")
    code, _, err = run("compile", tmp_path / "b.onnx", "--target", "host")
    assert (code, "different data type" in err) == (0, False)
