"""Tiny models of depth as files, whose image may be of any size."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

MakeModel = Callable[..., Path]


@pytest.fixture(scope="module")
def make_model_in() -> MakeModel:
    """Make FOLDER/NAME.onnx: three convolutions, 1 + the green channel times `gain`."""

    def make(
        folder: Path,
        name: str = "tiny",
        edges: tuple[int | str, int | str] = (32, 32),
        gain: float = 1.0,
    ) -> Path:
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, *edges])
        depth = helper.make_tensor_value_info("depth", TensorProto.FLOAT, [1, 1, *edges])
        same = np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1)
        green = np.array([0, gain, 0], np.float32).reshape(1, 3, 1, 1)
        constants = [
            numpy_helper.from_array(same, "s"),
            numpy_helper.from_array(green, "g"),
            numpy_helper.from_array(np.ones(1, np.float32), "b"),
        ]
        nodes = [
            helper.make_node("Conv", ["image", "s"], ["first"], name="first"),
            helper.make_node("Conv", ["first", "s"], ["second"], name="second"),
            helper.make_node("Conv", ["second", "g", "b"], ["depth"], name="depth"),
        ]
        graph = helper.make_graph(nodes, name, [image], [depth], constants)
        opset = [helper.make_opsetid("", 18)]
        path = folder / f"{name}.onnx"
        onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), path)
        return path

    return make


@pytest.fixture
def make_model(tmp_path: Path, make_model_in: MakeModel) -> MakeModel:
    """Make NAME.onnx in a folder of the test's own."""
    return partial(make_model_in, tmp_path)
