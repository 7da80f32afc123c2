"""Every network of the zoo as ONNX at the paper's size.

On ONNX Runtime the file agrees with PyTorch. Its shapes are those that ONNX infers, of the paper's
image size, and its multiply-adds, counted from these shapes, are those from which the printed
figures follow.
"""

from __future__ import annotations

import json
from math import prod
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from depthnet import network, zoo
from depthnet.export.onnx_export import export
from depthnet.network import DeployedNetwork

SIZE = (224, 224)
"""Of images and depth maps (section IV-A of the paper), of all its networks."""
LARGEST_FILE_BYTES = 2**31
"""What one ONNX file can hold (protobuf)."""


@pytest.mark.parametrize("name", zoo.names())
def test_it_agrees_with_pytorch_and_with_the_paper(name: str, tmp_path: Path) -> None:
    built, origin = network.build(zoo.get(name), pretrained=False, seed=1)
    if name == "dorn":
        # Untrained, all its ordinal probabilities are one half, whatever it sees.
        convolutions = [m for m in built.modules() if isinstance(m, torch.nn.Conv2d)]
        convolutions[-1].weight.data *= 1000.0
    path = tmp_path / f"{name}.onnx"
    says = export(built, origin, path)
    assert path.stat().st_size < LARGEST_FILE_BYTES

    # A picture with edges: noise alone averages out to the same depth everywhere.
    image = np.random.default_rng(2).random((1, 3, *SIZE), dtype=np.float32)
    image[:, :, :, : SIZE[1] // 2] *= 0.3
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (depth,) = session.run(["depth"], {"image": image})
    with torch.inference_mode():
        expected = DeployedNetwork(built)(torch.from_numpy(image)).numpy()
    assert depth.shape == (1, 1, *SIZE)
    assert np.isfinite(depth).all()
    assert np.ptp(depth) > 0.01 * depth.max(), "a constant map agrees with anything"
    assert np.abs(depth - expected).max() <= 1e-4 * np.abs(expected).max()

    graph = with_inferred_shapes(onnx.load(path))
    shapes = shapes_of(graph)
    assert shapes["image"] == (1, 3, *SIZE)
    assert shapes["depth"] == (1, 1, *SIZE)
    assert multiply_adds(graph, shapes) == json.loads(says["complexity"])["macs_conv"]


def with_inferred_shapes(model: onnx.ModelProto) -> onnx.GraphProto:
    """The graph with the shapes that ONNX works out from the input's alone."""
    del model.graph.value_info[:]
    for dimension in model.graph.output[0].type.tensor_type.shape.dim:
        dimension.Clear()
    return onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph


def shapes_of(graph: onnx.GraphProto) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor by name."""
    values = (*graph.input, *graph.output, *graph.value_info)
    shapes = {v.name: tuple(d.dim_value for d in v.type.tensor_type.shape.dim) for v in values}
    return shapes | {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}


def multiply_adds(graph: onnx.GraphProto, shapes: dict[str, tuple[int, ...]]) -> int:
    """Of all convolutions and matrix products."""
    count = 0
    for node in graph.node:
        if node.op_type == "Conv":
            count += prod(shapes[node.output[0]]) * prod(shapes[node.input[1]][1:])
        elif node.op_type == "ConvTranspose":
            count += prod(shapes[node.input[0]]) * prod(shapes[node.input[1]][1:])
        elif node.op_type in ("Gemm", "MatMul"):
            count += prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]
    return count
