"""Every network of the zoo as ONNX, at the paper's size, against PyTorch on ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from depthnet import network, zoo
from depthnet.export.onnx_export import export
from depthnet.network import DeployedNetwork

LARGEST_FILE_BYTES = 2**31
"""What one ONNX file can hold (protobuf)."""


@pytest.mark.parametrize("name", zoo.names())
def test_it_agrees_with_pytorch(name: str, tmp_path: Path) -> None:
    entry = zoo.get(name)
    built, origin = network.build(entry, pretrained=False, seed=1)
    if name == "dorn":
        # Untrained, all its ordinal probabilities are one half, whatever it sees.
        convolutions = [m for m in built.modules() if isinstance(m, torch.nn.Conv2d)]
        convolutions[-1].weight.data *= 1000.0
    path = tmp_path / f"{name}.onnx"
    export(built, origin, path)
    assert path.stat().st_size < LARGEST_FILE_BYTES
    # A picture with edges: noise alone averages out to the same depth everywhere.
    image = np.random.default_rng(2).random((1, 3, *entry.input_size), dtype=np.float32)
    image[:, :, :, : entry.input_size[1] // 2] *= 0.3
    with torch.inference_mode():
        expected = DeployedNetwork(built)(torch.from_numpy(image)).numpy()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (depth,) = session.run(["depth"], {"image": image})
    assert depth.shape == expected.shape == (1, 1, *depth.shape[2:])
    assert np.isfinite(expected).all()
    assert np.ptp(expected) > 0.01 * expected.max(), "a constant map agrees with anything"
    assert np.abs(depth - expected).max() <= 1e-4 * np.abs(expected).max()
