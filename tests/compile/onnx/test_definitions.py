"""Operators that are defined by others compute the same on ONNX Runtime, in all forms."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compile.onnx import definitions
from compile.onnx.checked_model import load_model
from depthbench.errors import InputError
from tests.compile.conftest import Agree
from tests.compile.onnx.one_node import assert_defined, normal, one_node

shapes = st.lists(st.integers(1, 5), min_size=1, max_size=4)


@given(
    shapes, st.integers(-4, 3), st.booleans(), st.integers(2, 3), st.sampled_from([17, 18, 20, 28])
)
def test_layer_normalization_of_several_outputs(
    shape: list[int], axis: int, biased: bool, outputs: int, opset: int
) -> None:
    axis = axis % len(shape) - (len(shape) if axis < 0 else 0)
    affine = [normal(*shape[axis:], seed=seed) for seed in range(1, 3 if biased else 2)]
    options: dict[str, Any] = {"outputs": outputs, "axis": axis, "epsilon": 0.01}
    assert_defined(*one_node("LayerNormalization", opset, normal(*shape), *affine, **options))


@given(shapes, st.sampled_from([23, 28]), st.floats(1e-6, 0.1))
def test_rms_normalization_of_all_axes(shape: list[int], opset: int, epsilon: float) -> None:
    operands = normal(*shape), normal(*shape, seed=1)
    assert_defined(*one_node("RMSNormalization", opset, *operands, axis=0, epsilon=epsilon))


@given(
    st.lists(st.integers(2, 4), min_size=2, max_size=4),
    st.floats(0.1, 0.9),
    st.sampled_from([14, 15, 20]),
)
def test_batch_normalization_in_training(shape: list[int], momentum: float, opset: int) -> None:
    affine = [np.abs(normal(shape[1], seed=seed)) for seed in range(4)]
    options: dict[str, Any] = {"training_mode": 1, "momentum": momentum, "outputs": 3}
    assert_defined(*one_node("BatchNormalization", opset, normal(*shape), *affine, **options))


@given(shapes, st.integers(-4, 3), st.sampled_from([1, 2]), st.sampled_from([7, 13, 18, 22]))
def test_lp_normalization(shape: list[int], axis: int, p: int, opset: int) -> None:
    x = normal(*shape)
    x[0] = 0
    axis = axis % len(shape) - (len(shape) if axis < 0 else 0)
    assert_defined(*one_node("LpNormalization", opset, x, axis=axis, p=p))


@given(
    st.sampled_from(["NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"]),
    st.lists(st.integers(1, 4), max_size=2),
    st.sampled_from(["none", "sum", "mean"]),
    st.booleans(),
    st.sampled_from([None, -1, 0, 1]),
    st.sampled_from([np.int32, np.int64]),
    st.sampled_from([12, 13, 20]),
)
def test_losses(
    operator: str,
    places: list[int],
    reduction: str,
    weighted: bool,
    ignored: int | None,
    dtype: Any,
    opset: int,
) -> None:
    target = np.random.default_rng(0).integers(0, 3, [2, *places]).astype(dtype)
    target.flat[0] = 2
    options: dict[str, Any] = {"reduction": reduction}
    if ignored is not None:
        options["ignore_index"] = ignored
        target.flat[-1] = ignored if target.size > 1 else 2
    weights = [np.abs(normal(3)) + 0.1] if weighted else []
    assert_defined(*one_node(operator, opset, normal(2, 3, *places), target, *weights, **options))


@given(
    st.sampled_from([np.float32, np.float64, np.int32, np.int64]),
    st.sampled_from([np.float32, np.float64, np.int32, np.int64]),
    st.sampled_from([12, 13, 15, 20]),
)
def test_powers_of_mixed_types(base: Any, exponent: Any, opset: int) -> None:
    if base == exponent and np.issubdtype(base, np.floating):
        return
    operands = np.array([1, 2, 3], base), np.array([4, 3, 2], exponent)
    assert_defined(*one_node("Pow", opset, *operands))


@pytest.mark.parametrize("signs", [(0, 0), (0, 1), (1, 0)])
@pytest.mark.parametrize("opset", [10, 20])
def test_infinities_of_one_sign(signs: tuple[int, int], opset: int) -> None:
    x = np.array([np.inf, -np.inf, np.nan, 0, 1, -1], np.float32)
    positive, negative = signs
    assert_defined(*one_node("IsInf", opset, x, detect_positive=positive, detect_negative=negative))


@pytest.mark.parametrize("operator", ["ReduceMax", "ReduceMin"])
def test_extrema_of_booleans(operator: str) -> None:
    x = np.array([[True, False], [True, True], [False, False]])
    axes = np.array([1])
    assert_defined(*one_node(operator, 20, x, axes, constants=1, keepdims=0))


@given(shapes, st.integers(-4, 3), st.booleans(), st.booleans())
def test_cumulative_products(shape: list[int], axis: int, exclusive: bool, reverse: bool) -> None:
    axis = axis % len(shape) - (len(shape) if axis < 0 else 0)
    operands = normal(*shape), np.array(axis)
    options: dict[str, Any] = {"exclusive": int(exclusive), "reverse": int(reverse)}
    assert_defined(*one_node("CumProd", 26, *operands, constants=1, **options))


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 7)), min_size=1, max_size=3))
def test_crops_and_pads_about_the_centre(sizes: list[tuple[int, int]]) -> None:
    before, after = zip(*sizes, strict=True)
    x = normal(2, *before)
    options: dict[str, Any] = {"axes": list(range(1, 1 + len(sizes)))}
    model = one_node("CenterCropPad", 18, x, np.array(after), constants=1, **options)
    if before != after:
        assert_defined(*model)


@given(st.integers(1, 4), st.integers(1, 5), st.booleans(), st.sampled_from([11, 20]))
def test_reversed_sequences(batch: int, time: int, batch_first: bool, opset: int) -> None:
    lengths = np.random.default_rng(batch).integers(1, time + 1, [batch])
    x = normal(*((batch, time) if batch_first else (time, batch)), 3)
    options: dict[str, Any] = {"batch_axis": int(not batch_first), "time_axis": int(batch_first)}
    assert_defined(*one_node("ReverseSequence", opset, x, lengths, **options))


@given(
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0, 2, 4]),
    st.sampled_from([23, 28]),
)
def test_rotary_embedding(
    flat: bool, interleaved: bool, placed: bool, part: int, opset: int
) -> None:
    batch, heads, length, size = 2, 3, 4, 6
    x = normal(batch, length, heads * size) if flat else normal(batch, heads, length, size)
    half = (part or size) // 2
    cached = (10, half) if placed else (batch, length, half)
    caches = [function(normal(*cached)) for function in (np.cos, np.sin)]
    places = [np.random.default_rng(0).integers(0, 10, [batch, length])] if placed else []
    options: dict[str, Any] = {
        "interleaved": int(interleaved),
        "rotary_embedding_dim": part,
        "num_heads": heads,
    }
    if part and not flat:
        options.pop("num_heads")
    assert_defined(*one_node("RotaryEmbedding", opset, x, *caches, *places, **options))


@pytest.mark.parametrize("operator", ["Dropout", "RandomUniformLike", "Bernoulli"])
def test_random_numbers_are_refused(operator: str, tmp_path: Path) -> None:
    x = np.abs(normal(2, 3)) / 10
    trained = (np.array(0.5, np.float32), np.array(True)) if operator == "Dropout" else ()
    model, _ = one_node(operator, 22, x, *trained, constants=len(trained))
    onnx.save(model, str(tmp_path / "m.onnx"))
    with pytest.raises(InputError, match=r"node 'it'.*random numbers"):
        load_model(tmp_path / "m.onnx")


@pytest.mark.parametrize("opset", [7, 10, 12, 22])
def test_mask_of_what_is_not_dropped(opset: int) -> None:
    assert_defined(*one_node("Dropout", opset, normal(2, 3), outputs=2))


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_type_of_one_hot_is_that_of_its_values(agree: Agree, dtype: type) -> None:
    indices, values = np.array([0, 2, -1, 1]), np.array([0, 1]).astype(np.dtype(dtype))
    model, _ = one_node("OneHot", 13, indices, np.array(3), values, constants=2, axis=0)
    agree(model)


@pytest.mark.parametrize("repeats", [[1, 7, 4, 1], [2, 1, 4, 2], [3, 2, 4, 1]])
def test_repetitions_are_read_as_often_as_they_are(agree: Agree, repeats: list[int]) -> None:
    """LLVM reads on where a loop over x[i % 4] should begin again."""
    model, _ = one_node("Tile", 13, normal(2, 3, 4, 5), np.array(repeats), constants=1)
    agree(model)


@pytest.mark.parametrize("reduction", ["none", "add", "max"])
def test_scattering_between_other_operators(
    agree: Agree, reduction: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """TVM does not say what its scatters write, and would warn of how they are built."""
    places = np.array([[1, 0], [-1, 2]])
    x, updates = normal(2, 3, 4), normal(2, 4, seed=1)
    model, _ = one_node("ScatterND", 18, x, places, updates, constants=2, reduction=reduction)
    (node,) = model.graph.node
    node.input[0], node.output[0] = "before", "after"
    model.graph.node.insert(0, onnx.helper.make_node("Exp", ["x0"], ["before"]))
    model.graph.node.append(onnx.helper.make_node("Neg", ["after"], ["y0"]))
    agree(model)
    assert capfd.readouterr().err == ""


def test_number_added_to_a_product(agree: Agree) -> None:
    model, _ = one_node("Gemm", 13, normal(3, 4), normal(4, 5, seed=1), np.array(2, np.float32))
    agree(model)


def test_normalization_of_a_whole_matrix(agree: Agree) -> None:
    """TVM cannot divide the sums of such a function among lanes."""
    model, _ = one_node("LayerNormalization", 17, normal(3, 4), normal(3, 4, seed=1), axis=0)
    compiled = agree(model)
    assert [one.reason for one in compiled.account.fallbacks] == ["schedule_refused"]


@pytest.mark.parametrize(("opset", "scales"), [(18, 2), (20, 2), (21, 6)])
def test_group_normalization_before_and_since_it_scales_channels(
    agree: Agree, opset: int, scales: int
) -> None:
    """ONNX's checker takes the older form no more, but ONNX Runtime does."""
    affine = normal(scales, seed=1), normal(scales, seed=2)
    options: dict[str, Any] = {"num_groups": 2, "epsilon": 0.1, "constants": 2}
    model, _ = one_node("GroupNormalization", opset, normal(2, 6, 3, 5), *affine, **options)
    model.graph.node[0].output[0] = "normalised"
    model.graph.node.append(onnx.helper.make_node("Exp", ["normalised"], ["y0"]))
    agree(model)


@given(
    st.integers(3, 6),
    st.lists(st.integers(0, 2), min_size=2, max_size=2),
    st.sampled_from(["linear", "circular"]),
)
def test_update_of_a_cache(longest: int, first: list[int], mode: str) -> None:
    count = longest - 2 if mode == "linear" else longest
    operands = [normal(2, 3, longest, 4), normal(2, 3, count, 4, seed=1)]
    options: dict[str, Any] = {"mode": mode, "axis": 2}
    assert_defined(*one_node("TensorScatter", 24, *operands, np.array(first), **options))


@given(st.lists(st.integers(1, 3), max_size=2), st.integers(1, 3), st.sampled_from([11, 22]))
def test_determinants(shape: list[int], size: int, opset: int) -> None:
    assert_defined(*one_node("Det", opset, normal(*shape, size, size)))


def test_no_operator_is_defined_twice() -> None:
    package = Path(definitions.__file__).parent
    names = [file.stem for file in package.glob("*.py") if file.stem != "__init__"]
    families = [importlib.import_module(f"{definitions.__name__}.{name}") for name in names]
    defined = [key for family in families for key in family.DEFINITIONS]
    assert sorted(defined) == sorted(definitions.DEFINITIONS)


@given(
    st.sampled_from([np.int32, np.int64, np.uint32, np.uint64]),
    st.lists(st.integers(0, 70), min_size=1, max_size=6),
    st.sampled_from(["LEFT", "RIGHT"]),
    st.booleans(),
)
def test_shifts_beyond_the_width(
    dtype: Any, places: list[int], direction: str, negated: bool
) -> None:
    """What signed numbers are shifted by and shifted to is known since opset 28."""
    signed = np.issubdtype(dtype, np.signedinteger)
    places = [-place for place in places] if negated and signed else places
    x = np.arange(1, 1 + len(places)) * 0x10101
    x = -x if negated and signed else x
    operands = x.astype(dtype), np.array(places).astype(dtype)
    model, feeds = one_node("BitShift", 28 if signed else 11, *operands, direction=direction)
    assert_defined(model, feeds)


@pytest.mark.parametrize("operator", ["Loop", "NonMaxSuppression", "Unique"])
def test_what_the_data_decide_is_refused(operator: str, tmp_path: Path) -> None:
    x = normal(2, 3, 4)
    more = {"NonMaxSuppression": [x[:, :1]], "Unique": [], "Loop": []}[operator]
    if operator == "Loop":
        value = onnx.helper.make_tensor_value_info
        going, number = value("c", onnx.TensorProto.BOOL, []), value("i", 7, [])
        inner = onnx.helper.make_graph(
            [onnx.helper.make_node("Identity", ["c"], [name]) for name in ("d", "e")],
            "g",
            [number, going],
            [value(name, onnx.TensorProto.BOOL, []) for name in ("d", "e")],
        )
        model, _ = one_node(operator, 20, np.array(3), np.array(True), body=inner)
    else:
        model, _ = one_node(operator, 20, x, *more)
    onnx.save(model, str(tmp_path / "m.onnx"))
    with pytest.raises(InputError, match=rf"operator {operator} \(node 'it'"):
        load_model(tmp_path / "m.onnx")


@given(st.lists(st.booleans(), min_size=3, max_size=3), st.sampled_from([None, 0, -1]))
def test_parts_by_a_known_condition(condition: list[bool], axis: int | None) -> None:
    options: dict[str, Any] = {} if axis is None else {"axis": axis}
    operands = normal(3, 3), np.array(condition)
    assert_defined(*one_node("Compress", 11, *operands, constants=1, **options))


@given(
    st.lists(st.integers(0, 1), min_size=2, max_size=2),
    st.lists(st.integers(0, 1), min_size=2, max_size=2),
    st.integers(1, 4),
    st.sampled_from([9, 11, 13, 19, 24]),
)
def test_scans(axes: list[int], directions: list[int], length: int, opset: int) -> None:
    """Running sums of two operands, one of them from outside the graph of a step."""
    value = onnx.helper.make_tensor_value_info
    body = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Add", ["s", "a"], ["t"]),
            onnx.helper.make_node("Mul", ["t", "b"], ["u"]),
            onnx.helper.make_node("Add", ["u", "x0"], ["w"]),
        ],
        "step",
        [value(name, onnx.TensorProto.FLOAT, [3]) for name in ("s", "a", "b")],
        [value(name, onnx.TensorProto.FLOAT, [3]) for name in ("w", "t")],
    )
    rows = [normal(*([length, 3] if axis == 0 else [3, length]), seed=axis) for axis in axes]
    options: dict[str, Any] = {
        "body": body,
        "num_scan_inputs": 2,
        "scan_input_axes": axes,
        "scan_input_directions": directions,
        "scan_output_axes": axes[:1],
        "scan_output_directions": directions[1:],
    }
    assert_defined(*one_node("Scan", opset, normal(3, seed=7), *rows, outputs=2, **options))


def test_remainders_of_infinite_divisors() -> None:
    values = np.array([-np.inf, -2.5, -1.0, 0.5, 1.0, 3.0, np.inf, np.nan], np.float32)
    operands = np.repeat(values, len(values)), np.tile(values, len(values))
    assert_defined(*one_node("Mod", 28, *operands, fmod=0))


@given(st.integers(1, 3), st.lists(st.integers(1, 3), min_size=4, max_size=4))
def test_space_to_depth_with_the_channels_of_a_block_in_a_row(block: int, shape: list[int]) -> None:
    n, c, h, w = shape
    x = normal(n, c, h * block, w * block)
    assert_defined(*one_node("SpaceToDepth", 28, x, blocksize=block, mode="CRD"))


@pytest.mark.parametrize("dtype", ["FLOAT", "DOUBLE", "INT64"])
@pytest.mark.parametrize("k", [0, -1, 2])
def test_identity_matrices_of_another_type(dtype: str, k: int) -> None:
    x = np.zeros((3, 4), np.int32)
    assert_defined(*one_node("EyeLike", 9, x, dtype=getattr(onnx.TensorProto, dtype), k=k))
