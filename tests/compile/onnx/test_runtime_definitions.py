"""What ONNX Runtime's optimiser writes is written out so that ONNX Runtime computes the same."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from compile.onnx.checked_model import load_model
from compile.pipeline import compile_model
from depthbench.errors import InputError
from tests.compile.conftest import Agree
from tests.compile.onnx.one_node import assert_defined, normal, one_node

OPSETS = st.sampled_from([11, 13, 17, 18, 21])
SIZES = st.integers(1, 5)
MICROSOFT = "com.microsoft"


def check(operator: str, opset: int, *operands: np.ndarray | None, **options: Any) -> None:
    assert_defined(*one_node(operator, opset, *operands, domain=MICROSOFT, **options))


@given(OPSETS, st.lists(SIZES, min_size=1, max_size=4), st.booleans())
def test_gelus(opset: int, shape: list[int], biased: bool) -> None:
    x, bias = normal(*shape), normal(shape[-1], seed=1)
    check("Gelu", opset, x)
    check("BiasGelu", opset, x, bias)
    check("FastGelu", opset, x, *([bias] if biased else []))
    check("QuickGelu", opset, x, **({} if biased else {"alpha": 1.0}))


@given(
    OPSETS,
    st.sampled_from([(2, 3, 8), (1, 3, 8), (3, 8)]),
    *[st.booleans()] * 4,
)
def test_normalisation_of_a_sum(
    opset: int, skip: tuple[int, ...], shifted: bool, biased: bool, total: bool, simplified: bool
) -> None:
    x, other, (scale, shift, bias) = normal(2, 3, 8), normal(*skip, seed=1), normal(3, 8, seed=2)
    operands = [x, other, scale]
    if simplified:
        other = operands[1] = normal(2, 3, 8, seed=1)
    else:
        operands.append(shift if shifted else None)
    operands.append(bias if biased else None)
    name = "SkipSimplifiedLayerNormalization" if simplified else "SkipLayerNormalization"
    results = ("y", "", "", "total") if total else ("y",)
    check(name, opset, *operands, outputs=results, epsilon=1e-3)
    if total and not simplified:
        check(name, opset, *operands, outputs=4, epsilon=1e-3)


@pytest.mark.parametrize("opset", [11, 13])
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("axis", [-1, 1])
def test_layer_normalisation_before_onnx_had_it(
    opset: int, outputs: int, axis: int, tmp_path: Path
) -> None:
    x, scale = normal(2, 3, 4), normal(*(2, 3, 4)[axis:], seed=1)
    model, _ = one_node(
        "LayerNormalization", opset, x, scale, constants=1, outputs=outputs, axis=axis
    )
    for place, output in enumerate(model.graph.output):
        shape = (2, 3, 4) if not place else (2, *([3] if axis == -1 else [1]), 1)
        output.CopyFrom(helper.make_tensor_value_info(output.name, TensorProto.FLOAT, shape))
    path = tmp_path / "model.onnx"
    onnx.save(model, str(path))
    manifest = compile_model(path, "host", tmp_path / "out").manifest
    assert max(manifest["check"]["relative_difference"].values()) < 1e-5


CONVOLUTIONS = {
    "": [],
    "Relu": [],
    "Tanh": [],
    "Sigmoid": [],
    "HardSwish": [],
    "LeakyRelu": [0.2],
    "Clip": [-0.1, 0.4],
    "HardSigmoid": [0.3, 0.6],
}


@given(
    OPSETS,
    st.sampled_from(sorted(CONVOLUTIONS)),
    st.integers(1, 2),
    st.integers(1, 2),
    st.integers(0, 1),
    st.booleans(),
    st.booleans(),
)
def test_convolutions(
    opset: int, activation: str, groups: int, stride: int, pad: int, biased: bool, added: bool
) -> None:
    edge = (7 + 2 * pad - 3) // stride + 1
    attributes: dict[str, Any] = {"activation": activation} if activation else {}
    if CONVOLUTIONS[activation]:
        attributes["activation_params"] = CONVOLUTIONS[activation]
    check(
        "FusedConv",
        opset,
        normal(1, 4, 7, 7),
        normal(6, 4 // groups, 3, 3, seed=1),
        normal(6, seed=2) if biased else None,
        normal(1, 6, edge, edge, seed=3) if added else None,
        group=groups,
        strides=[stride] * 2,
        pads=[pad] * 4,
        **attributes,
    )


@given(OPSETS, st.integers(2, 4), *[st.booleans()] * 4, st.floats(-2, 2, width=32))
def test_matrix_products(
    opset: int,
    rank: int,
    left: bool,
    right: bool,
    batch_left: bool,
    batch_right: bool,
    alpha: float,
) -> None:
    batches = rank > 2
    check(
        "FusedMatMul",
        opset,
        normal(*[3] * rank),
        normal(*[3] * rank, seed=1),
        transA=int(left),
        transB=int(right),
        transBatchA=int(batches and batch_left),
        transBatchB=int(batches and batch_right),
        alpha=alpha,
    )
    check("TransposeMatMul", opset, normal(3, 4), normal(3, 2, seed=1), transA=1)


@given(
    OPSETS,
    st.sampled_from(
        [
            *("Relu", "Tanh", "Sigmoid", "LeakyRelu", "HardSigmoid", "Elu", "Softplus"),
            *("ThresholdedRelu", "Softsign", "ParametricSoftplus", "ScaledTanh"),
        ]
    ),
    *[st.booleans()] * 2,
)
def test_dense_layers(opset: int, activation: str, left: bool, right: bool) -> None:
    check(
        "FusedGemm",
        opset,
        normal(*((4, 3) if left else (3, 4))),
        normal(*((5, 4) if right else (4, 5)), seed=1),
        normal(5, seed=2),
        transA=int(left),
        transB=int(right),
        alpha=0.7,
        beta=1.5,
        activation=activation,
        activation_alpha=0.3,
        activation_beta=0.6,
    )


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_inverses(size: int) -> None:
    check("Inverse", 17, normal(2, size, size) + 2 * np.eye(size, dtype=np.float32))


def test_small_operators() -> None:
    pads = np.array([1, 0, 1, 1])
    model, feeds = one_node(
        "ConvTransposeWithDynamicPads",
        17,
        normal(1, 2, 5, 5),
        normal(2, 3, 3, 3, seed=1),
        pads,
        constants=1,
        domain=MICROSOFT,
        strides=[2, 2],
        output_padding=[1, 0],
    )
    assert_defined(model, feeds)
    bytes_ = np.random.default_rng(0).integers(0, 256, (1, 8, 8, 3)).astype(np.uint8)
    check("NhwcMaxPool", 17, bytes_, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])


def masks(batch: int, tokens: int, keys: int) -> list[np.ndarray | None]:
    """A mask in each form: none, lengths, ends and starts, by key, by token and key."""
    random = np.random.default_rng(0)
    ends = random.integers(1, keys + 1, batch)
    starts = random.integers(0, ends)
    forms = [ends, np.concatenate([ends, starts]), np.concatenate([ends, ends, starts, [0, 0]])]
    forms += [random.integers(0, 2, (batch, keys)), random.integers(0, 2, (batch, tokens, keys))]
    return [None, *(form.astype(np.int32) for form in forms)]


@settings(max_examples=40)
@given(
    OPSETS,
    st.integers(1, 2),
    st.integers(2, 5),
    st.integers(0, 5),
    *[st.booleans()] * 4,
    st.sampled_from([0.0, 0.4]),
)
def test_attention(
    opset: int,
    batch: int,
    tokens: int,
    form: int,
    causal: bool,
    biased: bool,
    added: bool,
    wide: bool,
    scale: float,
) -> None:
    widths = [8, 8, 12] if wide else [8, 8, 8]
    check(
        "Attention",
        opset,
        normal(batch, tokens, 6),
        normal(6, sum(widths), seed=1),
        normal(sum(widths), seed=2) if biased else None,
        masks(batch, tokens, tokens)[form],
        None,
        normal(1, 2, tokens, tokens, seed=3) if added else None,
        num_heads=2,
        unidirectional=int(causal),
        mask_filter_value=-3.0,
        scale=scale,
        qkv_hidden_sizes=widths,
    )


@settings(max_examples=40)
@given(
    OPSETS,
    st.integers(1, 2),
    st.sampled_from([*itertools.product((2, 5), (2, 5))]),
    st.sampled_from([0, 1, 3, 4, 5]),
    *[st.booleans()] * 4,
    st.sampled_from([1, 3]),
)
def test_attention_of_several_operands(
    opset: int,
    batch: int,
    lengths: tuple[int, int],
    form: int,
    causal: bool,
    biased: bool,
    added: bool,
    heads_first: bool,
    outputs: int,
) -> None:
    tokens, keys = lengths
    shape = (batch, 2, keys, 4) if heads_first else (batch, keys, 8)
    check(
        "MultiHeadAttention",
        opset,
        normal(batch, tokens, 8),
        normal(*shape, seed=1),
        normal(*shape, seed=2),
        normal(24, seed=3) if biased and not heads_first else None,
        masks(batch, tokens, keys)[form],
        normal(1, 2, tokens, keys, seed=4) if added else None,
        num_heads=2,
        unidirectional=int(causal),
        mask_filter_value=-3.0,
        outputs=outputs,
    )


def test_shapes_are_known_one_after_the_other(graph: Any, agree: Agree) -> None:
    """ONNX infers no shape behind an operator of ONNX Runtime's until it is written out."""
    x = graph.input([1, 8, 8])
    for _ in range(12):
        y = graph.add("FusedMatMul", x, x, domain=MICROSOFT, transB=1, alpha=0.3)
        x = graph.add("Softmax", graph.add("Gelu", y, domain=MICROSOFT))
    agree(graph.model(x))


@pytest.mark.parametrize(
    ("domain", "operator", "says"),
    [
        (MICROSOFT, "NhwcConv", "graphics cards"),
        (MICROSOFT, "EmbedLayerNormalization", "language"),
        ("com.microsoft.nchwc", "ReorderInput", "level basic or extended"),
    ],
)
def test_what_stays_refused_says_why(domain: str, operator: str, says: str, tmp_path: Path) -> None:
    model, _ = one_node(operator, 17, normal(1, 3, 8, 8), domain=domain)
    output = helper.make_tensor_value_info("y0", TensorProto.FLOAT, (1, 3, 8, 8))
    model.graph.output[0].CopyFrom(output)
    onnx.save(model, str(tmp_path / "model.onnx"))
    with pytest.raises(InputError, match=operator) as refused:
        load_model(tmp_path / "model.onnx")
    assert says in str(refused.value)
