"""Commands run in an empty folder, and a model small enough for each of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from bench import cli

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run one command in an empty folder; gives exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run_command(*arguments: object) -> tuple[int, str, str]:
        code = cli.run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run_command


@pytest.fixture
def make_depth_model(tmp_path: Path) -> Callable[..., Path]:
    """Make an ONNX model of depth, 1 + the green channel, with the edges given.

    Of more than one convolution, all but the last pass the image on.
    """

    def make(*edges: int | str, convolutions: int = 1) -> Path:
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, *edges])
        depth = helper.make_tensor_value_info("depth", TensorProto.FLOAT, [1, 1, *edges])
        weight = helper.make_tensor("w", TensorProto.FLOAT, [1, 3, 1, 1], [0.0, 1.0, 0.0])
        bias = helper.make_tensor("b", TensorProto.FLOAT, [1], [1.0])
        same = helper.make_tensor("s", TensorProto.FLOAT, [3, 3, 1, 1], np.eye(3).ravel())
        names = ["image", *(f"same{number}" for number in range(convolutions - 1))]
        nodes = [
            helper.make_node("Conv", [before, "s"], [after], name=after)
            for before, after in itertools.pairwise(names)
        ]
        nodes.append(helper.make_node("Conv", [names[-1], "w", "b"], ["depth"], name="depth"))
        constants = [weight, bias, *([same] if convolutions > 1 else [])]
        graph = helper.make_graph(nodes, "tiny", [image], [depth], constants)
        opset = [helper.make_opsetid("", 18)]
        path = tmp_path / "models" / "tiny.onnx"
        path.parent.mkdir(exist_ok=True)
        onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), path)
        return path

    return make


@pytest.fixture
def depth_model(make_depth_model: Callable[..., Path]) -> Path:
    """A tiny ONNX model with the contract's input and output."""
    return make_depth_model(32, 32)
