"""Operators besides convolution agree with ONNX Runtime, with the schedules of every target."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compile import targets
from tests.compile.conftest import Agree, Graph

few = settings(
    max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
sizes = st.integers(1, 21)
TARGETS = st.sampled_from(targets.NAMES)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def floats(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def one(
    graph: Any, operator: str, shape: list[int], *constants: Any, opset: int = 20, **attributes: Any
) -> onnx.ModelProto:
    """A model of one operator on a centred random image."""
    x = graph.add("Sub", graph.input(shape), graph.constant(np.float32(0.5)))
    rest = ["" if value is None else graph.constant(value) for value in constants]
    outputs = attributes.pop("outputs", 1)
    y = graph.add(operator, x, *rest, outputs=outputs, **attributes)
    return graph.model(*([y] if outputs == 1 else y), opset=opset)


@pytest.mark.parametrize(
    "operator",
    [
        *("Relu", "Sigmoid", "Tanh", "Elu", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu"),
        *("Softplus", "Erf", "Exp", "Selu", "Mish"),
    ],
)
def test_activation(agree: Agree, graph: Graph, operator: str) -> None:
    agree(one(graph, operator, [2, 6, 5, 7]))


@pytest.mark.parametrize("target", targets.NAMES)
def test_mean_of_everything(agree: Agree, graph: Graph, target: str) -> None:
    agree(one(graph, "ReduceMean", [1, 3, 4, 16], keepdims=0), target)


@few
@given(st.lists(sizes, min_size=2, max_size=4), st.data(), TARGETS)
def test_reduction(
    agree: Agree, new_graph: type[Graph], shape: list[int], data: st.DataObject, target: str
) -> None:
    operator = data.draw(st.sampled_from(("ReduceMean", "ReduceSum", "ReduceMax", "ReduceL2")))
    axes = data.draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, unique=True))
    keep = data.draw(st.booleans())
    agree(one(new_graph(), operator, shape, ints(*axes), keepdims=int(keep)), target)


@few
@given(st.lists(sizes, min_size=2, max_size=4), st.data(), TARGETS)
def test_softmax(
    agree: Agree, new_graph: type[Graph], shape: list[int], data: st.DataObject, target: str
) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    agree(one(new_graph(), "Softmax", shape, axis=axis), target)


@pytest.mark.parametrize("target", targets.NAMES)
@pytest.mark.parametrize("length", [15, 33, 64, 197, 1370])
def test_softmax_of_rows_that_do_not_divide(
    agree: Agree, graph: Graph, length: int, target: str
) -> None:
    compiled = agree(one(graph, "Softmax", [2, 3, length], axis=-1), target)
    assert compiled.account.families.get("softmax") == 1


@pytest.mark.parametrize("target", targets.NAMES)
def test_softmax_between_a_mask_and_what_drops_nan(agree: Agree, graph: Graph, target: str) -> None:
    """As PyTorch writes attention: rows that are masked wholly are zero."""
    x = graph.add("Add", graph.input([2, 5, 37]), graph.weight(5, 37))
    y = graph.add("Softmax", x, axis=-1)
    y = graph.add("Where", graph.add("IsNaN", y), graph.constant(np.float32(0)), y)
    compiled = agree(graph.model(graph.add("Transpose", y, perm=[0, 2, 1])), target)
    assert compiled.account.families.get("softmax") == 1
    assert compiled.account.fallbacks == []


@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("target", targets.NAMES)
def test_products_of_many_columns_that_do_not_divide(
    agree: Agree, graph: Graph, target: str, threads: int, constant: bool
) -> None:
    x = graph.input([2, 13, 10])
    y = graph.weight(10, 325) if constant else graph.input([2, 10, 325], "y")
    z = graph.add("MatMul", x, y)
    z = graph.add("Relu", graph.add("Add", z, graph.weight(325)))
    compiled = agree(graph.model(z), target, threads=threads)
    assert compiled.account.to_dict()["scheduled_share"] == 1


@few
@given(st.integers(1, 3), sizes, sizes, sizes, st.booleans(), TARGETS)
def test_matmul(
    agree: Agree,
    new_graph: type[Graph],
    batch: int,
    rows: int,
    inner: int,
    columns: int,
    constant: bool,
    target: str,
) -> None:
    graph = new_graph()
    x = graph.input([batch, rows, inner])
    y = graph.weight(inner, columns) if constant else graph.input([batch, inner, columns], "y")
    compiled = agree(graph.model(graph.add("MatMul", x, y)), target)
    assert compiled.account.to_dict()["scheduled_share"] == 1


@pytest.mark.parametrize(
    ("left", "right"), [([24], [24, 16]), ([5, 24], [24]), ([2, 3, 5, 8], [8, 6])]
)
def test_matmul_of_uneven_ranks(
    agree: Agree, graph: Graph, left: list[int], right: list[int]
) -> None:
    agree(graph.model(graph.add("MatMul", graph.input(left), graph.input(right, "y"))))


@few
@given(st.permutations(range(4)), st.lists(sizes, min_size=4, max_size=4), TARGETS)
def test_transpose(
    agree: Agree, new_graph: type[Graph], axes: list[int], shape: list[int], target: str
) -> None:
    agree(one(new_graph(), "Transpose", shape, perm=list(axes)), target)


POOL = {"kernel_shape": [3, 3], "strides": [2, 2]}
NEAREST: dict[str, Any] = {
    "mode": "nearest",
    "coordinate_transformation_mode": "asymmetric",
    "nearest_mode": "floor",
}
CASES: dict[str, tuple[Any, ...]] = {
    "max_pool": ("MaxPool", [1, 6, 13, 15], {**POOL, "pads": [1, 1, 1, 1]}),
    "max_pool_ceil": ("MaxPool", [1, 16, 14, 15], {**POOL, "ceil_mode": 1}),
    "average_pool": ("AveragePool", [1, 8, 13, 15], {**POOL, "pads": [1, 1, 0, 0]}),
    "average_pool_border": ("AveragePool", [1, 8, 9, 9], {**POOL, "count_include_pad": 1}),
    "global_average": ("GlobalAveragePool", [2, 20, 7, 9], {}),
    "global_max": ("GlobalMaxPool", [2, 20, 7, 9], {}),
    "resize_nearest": ("Resize", [1, 6, 5, 7], None, floats(1, 1, 2, 2), NEAREST),
    "resize_bilinear": ("Resize", [1, 6, 5, 7], None, None, ints(1, 6, 11, 13), {"mode": "linear"}),
    "resize_corners": (
        *("Resize", [1, 8, 5, 7], None, None, ints(1, 8, 10, 14)),
        {"mode": "linear", "coordinate_transformation_mode": "align_corners"},
    ),
    "pad_constant": ("Pad", [1, 3, 5, 6], ints(0, 0, 1, 2, 0, 0, 3, 0), {}),
    "pad_reflect": ("Pad", [1, 3, 5, 6], ints(0, 0, 1, 2, 0, 0, 1, 0), {"mode": "reflect"}),
    "slice": ("Slice", [1, 8, 9, 10], ints(1, 2), ints(3, -1), ints(2, 3), ints(1, 2), {}),
    "split": ("Split", [1, 12, 5, 5], {"axis": 1, "outputs": 3, "num_outputs": 3}),
    "depth_to_space": ("DepthToSpace", [1, 12, 3, 4], {"blocksize": 2}),
    "instance_norm": (
        "InstanceNormalization",
        [2, 6, 5, 7],
        floats(*range(6)),
        floats(*range(6)),
        {},
    ),
    "layer_norm": ("LayerNormalization", [2, 7, 24], floats(*range(24)), floats(*range(24)), {}),
    "prelu": ("PRelu", [2, 6, 5, 7], floats(*range(6)).reshape(6, 1, 1), {}),
    "top_k": ("TopK", [3, 10], ints(3), {"outputs": 2}),
    "cumulative_sum": ("CumSum", [3, 5], np.int64(1), {}),
    "arg_max": ("ArgMax", [2, 9, 4], {"axis": 1}),
    "cast": ("Cast", [2, 3], {"to": 7}),
}


@pytest.mark.parametrize("name", CASES)
def test_operator(agree: Agree, graph: Graph, name: str) -> None:
    operator, shape, *constants, attributes = CASES[name]
    agree(one(graph, operator, shape, *constants, **attributes))


def test_concatenation_computes_its_operands_in_place(agree: Agree, graph: Graph) -> None:
    """Each of four operands is read once by what joins them: none is written to memory before."""
    x = graph.input([1, 8, 6, 6])
    parts = [graph.add("Relu", graph.add("Sub", x, graph.weight(8, 1, 1))) for _ in range(4)]
    scheduled = agree(graph.model(graph.add("Concat", *parts, axis=1))).scheduled
    (name,) = (one.name_hint for one in scheduled.functions if "concat" in one.name_hint)
    assert scheduled[name].script().count("T.sblock_alloc_buffer") == 0


def test_convolutions_of_other_ranks(agree: Agree, new_graph: type[Graph]) -> None:
    for rank in (1, 3):
        graph = new_graph()
        weight = graph.weight(6, 4, *[3] * rank)
        y = graph.add("Conv", graph.input([2, 4, *[7] * rank]), weight, pads=[1] * 2 * rank)
        agree(graph.model(y))


@pytest.mark.parametrize("bounds", [(0.1, 0.6), (0.2, None), (None, 0.3), (float("nan"), 0.5)])
def test_clip(agree: Agree, graph: Graph, bounds: tuple[float | None, float | None]) -> None:
    weight = graph.weight(8, 4, 1, 1)
    y = graph.add("Conv", graph.input([1, 4, 5, 5]), weight)
    operands = ["" if bound is None else graph.constant(np.float32(bound)) for bound in bounds]
    agree(graph.model(graph.add("Clip", y, *operands)))


def test_old_clip(agree: Agree, graph: Graph) -> None:
    agree(one(graph, "Clip", [1, 3, 4, 4], opset=10, min=-0.1, max=0.2))


@pytest.mark.parametrize("kind", [np.int64, np.float64])
def test_constants_keep_their_type(agree: Agree, graph: Graph, kind: type[np.number[Any]]) -> None:
    number = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    y = graph.convolution(graph.input([1, 8, 6, 6]), [8, 8, 1, 1])
    shift = graph.constant(np.arange(8, dtype=kind).reshape(1, 8, 1, 1))
    y = graph.add("Add", graph.add("Cast", y, to=number), shift)
    agree(graph.model(graph.add("Cast", y, to=onnx.TensorProto.FLOAT)))


def test_old_upsample(agree: Agree, graph: Graph) -> None:
    agree(one(graph, "Upsample", [1, 4, 3, 3], floats(1, 1, 2, 2), opset=9, mode="nearest"))


def test_batch_norm_after_convolution(agree: Agree, graph: Graph) -> None:
    y = graph.add("Conv", graph.input([2, 6, 5, 7]), graph.weight(8, 6, 3, 3), pads=[1] * 4)
    spread = graph.constant(floats(*range(1, 9)))
    y = graph.add(
        "BatchNormalization", y, graph.weight(8), graph.weight(8), graph.weight(8), spread
    )
    agree(graph.model(graph.add("Relu", y)))


def test_several_outputs_of_one_chain(agree: Agree, graph: Graph) -> None:
    y = graph.add("Conv", graph.input([1, 4, 5, 5]), graph.weight(8, 4, 1, 1))
    agree(graph.model(y, graph.add("Relu", y), graph.add("GlobalAveragePool", y)))


@pytest.mark.parametrize("target", targets.NAMES)
def test_split_shuffle_upsample_add(agree: Agree, graph: Graph, target: str) -> None:
    """The flagship's decoder block: nothing of the shuffle keeps it from staying channels-last."""
    x = graph.input([1, 12, 6, 8])
    left, right = graph.add("Split", x, axis=1, outputs=2, num_outputs=2)
    left = graph.add("Relu", graph.add("Conv", left, graph.weight(8, 6, 1, 1)))
    right = graph.add("Conv", right, graph.weight(6, 1, 3, 3), pads=[1] * 4, group=6)
    right = graph.add("Relu", graph.add("Conv", right, graph.weight(8, 6, 1, 1)))
    y = graph.add("Concat", left, right, axis=1)
    y = graph.add("Reshape", y, graph.constant(ints(1, 2, 8, 6, 8)))
    y = graph.add("Transpose", y, perm=[0, 2, 1, 3, 4])
    y = graph.add("Reshape", y, graph.constant(ints(1, 16, 6, 8)))
    y = graph.add("Resize", y, "", graph.constant(floats(1, 1, 2, 2)), **NEAREST)
    y = graph.add("Add", y, graph.input([1, 16, 12, 16], "skip"))
    compiled = agree(graph.model(graph.add("Conv", y, graph.weight(1, 16, 1, 1))), target)
    assert compiled.account.to_dict()["scheduled_share"] == 1


@pytest.mark.parametrize("target", targets.NAMES)
def test_squeeze_and_excite(agree: Agree, graph: Graph, target: str) -> None:
    x = graph.add("Relu", graph.add("Conv", graph.input([1, 16, 9, 9]), graph.weight(16, 16, 1, 1)))
    gate = graph.add("GlobalAveragePool", x)
    gate = graph.add("Relu", graph.add("Conv", gate, graph.weight(4, 16, 1, 1), graph.weight(4)))
    gate = graph.add("Sigmoid", graph.add("Conv", gate, graph.weight(16, 4, 1, 1)))
    agree(
        graph.model(graph.add("Conv", graph.add("Mul", x, gate), graph.weight(8, 16, 1, 1))), target
    )


@pytest.mark.parametrize("target", targets.NAMES)
def test_attention(agree: Agree, graph: Graph, target: str) -> None:
    x = graph.input([1, 19, 32])

    def heads(order: list[int]) -> str:
        y = graph.add("Add", graph.add("MatMul", x, graph.weight(32, 32)), graph.weight(32))
        y = graph.add("Reshape", y, graph.constant(ints(1, 19, 4, 8)))
        return graph.add("Transpose", y, perm=order)

    scores = graph.add("MatMul", heads([0, 2, 1, 3]), heads([0, 2, 3, 1]))
    scores = graph.add("Softmax", graph.add("Mul", scores, graph.constant(np.float32(0.35))))
    mixed = graph.add("MatMul", scores, heads([0, 2, 1, 3]))
    mixed = graph.add("Transpose", mixed, perm=[0, 2, 1, 3])
    mixed = graph.add("Reshape", mixed, graph.constant(ints(1, 19, 32)))
    compiled = agree(
        graph.model(graph.add("Add", x, graph.add("MatMul", mixed, graph.weight(32, 32)))), target
    )
    assert compiled.account.to_dict()["scheduled_share"] == 1


def test_branches(agree: Agree, graph: Graph) -> None:
    """A model with If is compiled too, without layouts."""
    from onnx import TensorProto, helper

    x = graph.input([2, 3])
    total = graph.add("ReduceSum", x, keepdims=0)
    condition = graph.add("Greater", total, graph.constant(np.float32(0)))

    def branch(operator: str) -> Any:
        value = helper.make_tensor_value_info(operator, TensorProto.FLOAT, [2, 3])
        return helper.make_graph(
            [helper.make_node(operator, [x], [operator])], operator, [], [value]
        )

    y = graph.add("If", condition, then_branch=branch("Relu"), else_branch=branch("Neg"))
    agree(graph.model(y))


def test_a_lookup_says_nothing(
    agree: Agree, graph: Graph, capfd: pytest.CaptureFixture[str]
) -> None:
    """TVM warns of its default mode, which reads anything where an index is beyond the end."""
    places = graph.constant(np.array([[3, -1, 0], [2, 2, 1]]))
    agree(graph.model(graph.add("Gather", graph.input([2, 5, 8]), places, axis=1)))
    assert "segfault" not in capfd.readouterr().err
