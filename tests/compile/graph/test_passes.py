"""Rewrites alone: what they leave in the graph."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import tvm
from tvm import relax, te, tirx
from tvm_ffi import structural_walk

from compile.graph.channels_last import channels_last
from compile.graph.clip_to_minmax import clip_to_minmax, extremum
from compile.onnx.checked_model import load_model
from compile.onnx.importer import import_model
from tests.compile.conftest import Graph


def operators(mod: tvm.IRModule) -> Counter[str]:
    """How often each Relax operator is in `main`."""
    found: Counter[str] = Counter()

    def count(call: relax.Call) -> None:
        if isinstance(call.op, tvm.ir.Op):
            found[call.op.name.removeprefix("relax.")] += 1

    structural_walk(mod["main"].body, (relax.Call, count))
    return found


def imported(model: onnx.ModelProto, folder: Path) -> Any:
    onnx.save(model, str(folder / "model.onnx"))
    return import_model(load_model(folder / "model.onnx"))


def test_clip_becomes_extrema(graph: Graph, tmp_path: Path) -> None:
    low, high = graph.constant(np.float32(0)), graph.constant(np.float32(6))
    mod = imported(graph.model(graph.add("Clip", graph.input([1, 3]), low, high)), tmp_path)
    assert operators(mod)["call_tir"] == 2
    assert operators(clip_to_minmax(mod)) == {"maximum": 1, "minimum": 1}


def elementwise(value: Any) -> tirx.PrimFunc:
    x = te.placeholder((4, 5), name="x")
    return te.create_prim_func([x, te.compute((4, 5), lambda i, j: value(x, i, j))])


def test_only_extrema_are_raised() -> None:
    assert extremum(elementwise(lambda x, i, j: te.max(x[i, j], 2.0))) == ("maximum", 2.0)
    assert extremum(elementwise(lambda x, i, j: te.min(x[i, j], -1.0))) == ("minimum", -1.0)
    assert extremum(elementwise(lambda x, i, j: x[i, j] + 2.0)) is None
    assert extremum(elementwise(lambda x, i, j: te.max(x[3 - i, j], 2.0))) is None
    assert extremum(elementwise(lambda x, i, j: te.max(x[i, j] * 2, 2.0))) is None


def test_a_chain_is_transposed_once_at_each_end(graph: Graph, tmp_path: Path) -> None:
    y = graph.input([1, 4, 9, 9])
    for _ in range(3):
        y = graph.add("Relu", graph.add("Conv", y, graph.weight(4, 4, 3, 3), graph.weight(4)))
    y = graph.add("MaxPool", y, kernel_shape=[2, 2])
    found = operators(channels_last(imported(graph.model(y), tmp_path)))
    assert found["permute_dims"] == 2


def test_a_shuffle_costs_one_copy(graph: Graph, tmp_path: Path) -> None:
    y = graph.add("Conv", graph.input([1, 8, 5, 6]), graph.weight(8, 8, 1, 1))
    y = graph.add("Reshape", y, graph.constant(np.array([1, 2, 4, 5, 6])))
    y = graph.add("Transpose", y, perm=[0, 2, 1, 3, 4])
    y = graph.add("Reshape", y, graph.constant(np.array([1, 8, 5, 6])))
    y = graph.add("Conv", y, graph.weight(8, 8, 1, 1))
    found = operators(channels_last(imported(graph.model(y), tmp_path)))
    assert found["permute_dims"] == 3  # in, the shuffle, out


@pytest.mark.parametrize("channels", [1, 5])
def test_moving_an_axis_of_one_is_a_reshape(graph: Graph, tmp_path: Path, channels: int) -> None:
    y = graph.add("Conv", graph.input([1, channels, 5, 6]), graph.weight(1, channels, 1, 1))
    found = operators(channels_last(imported(graph.model(y), tmp_path)))
    assert found["permute_dims"] == (channels > 1)


def test_tokens_of_an_image_need_no_copy(graph: Graph, tmp_path: Path) -> None:
    """A vision transformer's patches: NCHW to N, HW, C is how they lie already."""
    y = graph.add("Conv", graph.input([1, 1, 8, 8]), graph.weight(6, 1, 4, 4), strides=[4, 4])
    y = graph.add("Reshape", y, graph.constant(np.array([1, 6, 4])))
    y = graph.add("Transpose", y, perm=[0, 2, 1])
    found = operators(channels_last(imported(graph.model(y), tmp_path)))
    assert found["permute_dims"] == 0
