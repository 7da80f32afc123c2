"""Files that ONNX Runtime's optimisers and quantisers write compile and agree."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnxruntime import quantization
from onnxruntime.transformers import optimizer
from torch import nn

from compile.pipeline import compile_model

SIZE = 32


class Convolutions(nn.Module):
    """Strided, depthwise, pointwise, residual, concatenated, pooled, gated and enlarged."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU())
        self.apart = nn.Sequential(nn.Conv2d(16, 16, 3, 1, 1, groups=16), nn.Conv2d(16, 16, 1))
        self.left, self.right = nn.Conv2d(16, 8, 1), nn.Conv2d(16, 8, 3, 1, 1)
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(16, 16, 1), nn.Sigmoid())
        self.head = nn.Conv2d(16, 1, 3, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        x = torch.relu(x + self.apart(x))
        y = nn.functional.avg_pool2d(x, 2)
        y = torch.cat([self.left(y), nn.functional.leaky_relu(self.right(y), 0.1)], 1)
        y = nn.functional.interpolate(y * self.gate(y), scale_factor=2.0)
        return self.head(y)


class Block(nn.Module):
    """A transformer's block with queries, keys and values apart, as ONNX Runtime knows it."""

    def __init__(self, width: int = 32, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, tokens, width = x.shape
        shape = (batch, tokens, self.heads, width // self.heads)
        query, key, value = (
            layer(x).view(shape).permute(0, 2, 1, 3) for layer in (self.query, self.key, self.value)
        )
        scores = query @ key.transpose(-1, -2) / (width // self.heads) ** 0.5
        mixed = (scores.softmax(-1) @ value).permute(0, 2, 1, 3).reshape(batch, tokens, width)
        x = self.first(x + self.out(mixed))
        return self.second(x + self.down(nn.functional.gelu(self.up(x))))


class Images(quantization.CalibrationDataReader):
    def __init__(self) -> None:
        random = np.random.default_rng(0)
        shape = (1, 3, SIZE, SIZE)
        self.images: Iterator[Any] = iter([{"x": random.random(shape, np.float32)}] * 4)

    def get_next(self) -> Any:
        return next(self.images, None)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[nn.Module, torch.Tensor], Path]:
    """A network as the legacy exporter writes it, quietly."""
    folder = tmp_path_factory.mktemp("exported")

    def export(network: nn.Module, x: torch.Tensor) -> Path:
        path = folder / f"{type(network).__name__}.onnx"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                network.eval(), (x,), str(path), input_names=["x"], opset_version=17, dynamo=False
            )
        return path

    return export


def extended(path: Path) -> Path:
    """What ONNX Runtime saves after its extended optimisation."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(path.with_suffix(".extended.onnx"))
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return path.with_suffix(".extended.onnx")


def operators(path: Path) -> set[str]:
    return {node.op_type for node in onnx.load(str(path)).graph.node}


def difference(path: Path, folder: Path, **options: Any) -> float:
    """By how much the compiled file differs from ONNX Runtime."""
    check = compile_model(path, "host", folder, **options).manifest["check"]
    return max(check["relative_difference"].values())


def test_statically_quantised_convolutions(exported: Any, tmp_path: Path) -> None:
    torch.manual_seed(0)
    source = exported(Convolutions(), torch.rand(1, 3, SIZE, SIZE))
    path = tmp_path / "quantised.onnx"
    quantization.quantize_static(
        str(source), str(path), Images(), quant_format=quantization.QuantFormat.QOperator
    )
    assert {"QLinearConv", "QLinearAdd", "QLinearMul", "QLinearConcat"} <= operators(path)
    for number, precision in enumerate(("fp32", "int8")):
        folder = tmp_path / str(number)
        assert difference(path, folder, precision=precision) <= 0.02  # of 255 steps, some


def test_dynamically_quantised_convolutions(exported: Any, tmp_path: Path) -> None:
    torch.manual_seed(0)
    source = exported(Convolutions(), torch.rand(1, 3, SIZE, SIZE))
    path = tmp_path / "quantised.onnx"
    quantization.quantize_dynamic(str(source), str(path), weight_type=quantization.QuantType.QUInt8)
    assert "ConvInteger" in operators(path)
    assert difference(extended(path), tmp_path / "out") <= 0.01


def test_fused_convolutions_on_two_threads(exported: Any, tmp_path: Path) -> None:
    source = extended(exported(Convolutions(), torch.rand(1, 3, SIZE, SIZE)))
    assert "FusedConv" in operators(source)
    assert difference(source, tmp_path / "out", threads=2) < 1e-5


def test_fused_attention_of_two_images(exported: Any, tmp_path: Path) -> None:
    torch.manual_seed(0)
    source = exported(nn.Sequential(Block(), Block()), torch.rand(2, 9, 32))
    fused = optimizer.optimize_model(str(source), "bert", num_heads=4, hidden_size=32, opt_level=0)
    path = tmp_path / "fused.onnx"
    fused.save_model_to_file(str(path))
    assert {"Attention", "SkipLayerNormalization", "BiasGelu"} <= operators(path)
    assert difference(path, tmp_path / "out") < 1e-5
    bytes_ = tmp_path / "quantised.onnx"
    quantization.quantize_dynamic(
        str(path), str(bytes_), extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT}
    )
    assert {"QAttention", "MatMulInteger"} <= operators(bytes_)
    assert difference(bytes_, tmp_path / "bytes", threads=2) <= 0.01
