"""`depthbench demo`: what it refuses before anything is compiled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
from onnx import TensorProto, helper

Run = Callable[..., tuple[int, str, str]]


def test_a_model_of_two_inputs_cannot_be_shown(run: Run, tmp_path: Path) -> None:
    ports = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 8, 8])
        for name in ("left", "right", "sum")
    ]
    node = helper.make_node("Add", ["left", "right"], ["sum"])
    graph = helper.make_graph([node], "two", ports[:2], ports[2:])
    opset = [helper.make_opsetid("", 18)]
    path = tmp_path / "two.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), path)
    code, out, err = run("demo", path, "--device", "host", "--no-open")
    assert (code, out) == (2, "")
    assert f"{path}: does not take one image and give a map of it" in err
    assert not (tmp_path / "out").exists()
