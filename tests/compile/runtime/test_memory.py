"""What the manifest says of memory, beside what can be counted by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from compile.pipeline import compile_model
from tests.compile.conftest import Agree, Graph

FLOAT = 4


@pytest.mark.parametrize("length", [2, 3, 6])
def test_a_chain_needs_two_buffers_however_long(agree: Agree, graph: Graph, length: int) -> None:
    channels, edge = 16, 24
    y = graph.input([1, channels, edge, edge])
    for _ in range(length):
        y = graph.add("Relu", graph.convolution(y, [channels, channels, 3, 3], pads=[1, 1, 1, 1]))
    memory = agree(graph.model(y)).memory
    image = channels * edge * edge * FLOAT
    assert memory.activations_bytes == 3 * image  # two in turn, and the output
    assert memory.weights_bytes == length * (9 * channels + 1) * channels * FLOAT


@pytest.mark.parametrize(("same", "stored"), [(True, 1), (False, 2)])
def test_equal_weights_are_stored_once(
    graph: Graph, tmp_path: Path, same: bool, stored: int
) -> None:
    weight = np.random.default_rng(0).standard_normal((768, 768, 1, 1)).astype(np.float32) / 30
    other = weight if same else weight[::-1].copy()
    y = graph.input([1, 768, 8, 8])
    for value in (weight, other):
        y = graph.add("Relu", graph.add("Conv", y, graph.constant(value)))
    onnx.save(graph.model(y), str(tmp_path / "model.onnx"))
    manifest = compile_model(tmp_path / "model.onnx", "host", tmp_path / "made").manifest
    assert manifest["memory"]["weights_bytes"] == stored * weight.nbytes
    code = manifest["files"]["model.so"]["bytes"] - stored * weight.nbytes
    assert 0 < code < weight.nbytes / 4
