"""Each other rewrite alone: what it leaves, and that the result is still ONNX Runtime's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compile.graph import accounting
from compile.graph.accounting import operator_macs
from compile.graph.fold_scales import fold_scales
from compile.graph.fold_shuffles import fold_shuffles
from compile.graph.merge_convolutions import merge_convolutions
from compile.graph.remove_identities import fold_constants, remove_identities
from compile.graph.sink_upsampling import sink_upsampling
from compile.graph.widen_convolutions import widen_convolutions
from compile.observer import Observer, Phase
from compile.onnx.checked_model import load_model
from compile.onnx.importer import import_model
from tests.compile.conftest import Graph, Rewrites

few = settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@few
@given(
    stride=st.integers(1, 2),
    pads=st.lists(st.integers(0, 2), min_size=2, max_size=2),
    dilation=st.integers(1, 2),
    groups=st.sampled_from([1, 2, 4]),
)
def test_convolutions_along_one_axis_are_over_images_of_one_row(
    rewritten: Rewrites,
    new_graph: type[Graph],
    stride: int,
    pads: list[int],
    dilation: int,
    groups: int,
) -> None:
    graph = new_graph()
    y = graph.add(
        "Conv",
        graph.input([2, 4, 11]),
        graph.weight(8, 4 // groups, 3),
        strides=[stride],
        pads=pads,
        dilations=[dilation],
        group=groups,
    )
    result = rewritten(graph.model(y), widen_convolutions)
    assert result.applied == result.count["nn.conv2d"] == 1
    assert result.count["nn.conv1d"] == 0


class TestFoldScales:
    @few
    @given(size=st.integers(3, 6), pad=st.integers(0, 1), group=st.sampled_from([1, 2]))
    def test_normalisation_and_batch_norm(
        self, rewritten: Rewrites, new_graph: type[Graph], size: int, pad: int, group: int
    ) -> None:
        graph = new_graph()
        y = graph.add("Sub", graph.input([1, 4, size, size]), graph.weight(1, 4, 1, 1))
        y = graph.add(
            "Div", y, graph.constant(np.array([0.2, 0.5, 2, 3], np.float32)[:, None, None])
        )
        y = graph.convolution(y, (6, 4 // group, 3, 3), pads=[pad] * 4, group=group)
        variance = graph.constant(np.linspace(0.5, 2, 6, dtype=np.float32))
        norm = [graph.weight(6), graph.weight(6), graph.weight(6), variance]
        y = graph.add("BatchNormalization", y, *norm)
        result = rewritten(graph.model(graph.add("Relu", y)), fold_scales)
        assert result.applied > 0
        # Only a shift before a border stays.
        shifts = ["add"] if pad else []
        assert result.operators == [*shifts, "nn.conv2d", "add", "nn.relu"]

    def test_a_convolution_that_is_also_read_unscaled_keeps_its_weights(
        self, rewritten: Rewrites, graph: Graph
    ) -> None:
        y = graph.convolution(graph.input([1, 3, 4, 4]), (3, 3, 1, 1), bias=False)
        scaled = graph.add("Mul", y, graph.weight(3, 1, 1))
        result = rewritten(graph.model(graph.add("Add", graph.add("Exp", y), scaled)), fold_scales)
        assert not result.applied

    @pytest.mark.parametrize("shape", [(4, 4), (1, 3, 1, 4), (1, 1, 4, 1)])
    def test_what_varies_over_pixels_is_no_scale(
        self, rewritten: Rewrites, graph: Graph, shape: tuple[int, ...]
    ) -> None:
        y = graph.add("Mul", graph.input([1, 3, 4, 4]), graph.weight(*shape))
        result = rewritten(graph.model(graph.convolution(y, (3, 3, 1, 1))), fold_scales)
        assert not result.applied

    @pytest.mark.parametrize("operator", ["Mul", "Div"])
    def test_scales_whose_product_is_no_number_stay(
        self, rewritten: Rewrites, graph: Graph, operator: str
    ) -> None:
        """e^-70 times 1e20, and again: in one it would be times infinity."""
        small = graph.add("Sub", graph.input([1, 3, 4, 4]), graph.constant(np.float32(70)))
        y = graph.add("Exp", small)
        for _ in range(2):
            number = graph.constant(np.float32(1e20 if operator == "Mul" else 1e-20))
            y = graph.add(operator, y, number)
        rewritten(graph.model(graph.add("Relu", y)), fold_scales)

    def test_a_scale_of_zero_hides_no_shift(self, rewritten: Rewrites, graph: Graph) -> None:
        y = graph.add(
            "Mul",
            graph.input([1, 2, 4, 4]),
            graph.constant(np.array([0, 2], np.float32)[:, None, None]),
        )
        y = graph.add("Add", y, graph.weight(2, 1, 1))
        rewritten(graph.model(graph.convolution(y, (3, 2, 3, 3), pads=[1] * 4)), fold_scales)

    def test_a_number_divided_by_an_image_is_no_scale(
        self, rewritten: Rewrites, graph: Graph
    ) -> None:
        y = graph.add("Add", graph.input([1, 2, 4, 4]), graph.constant(np.float32(1)))
        y = graph.add("Div", graph.constant(np.float32(1)), y)
        y = graph.add("Sub", graph.constant(np.float32(1)), y)
        assert not rewritten(graph.model(graph.convolution(y, (3, 2, 1, 1))), fold_scales).applied


class TestMergeConvolutions:
    @few
    @given(
        widths=st.tuples(*[st.integers(1, 6)] * 3),
        kernels=st.sampled_from([(1, 1), (1, 3), (3, 1)]),
        bias=st.booleans(),
    )
    def test_merges_where_it_pays(
        self,
        rewritten: Rewrites,
        new_graph: type[Graph],
        widths: tuple[int, ...],
        kernels: tuple[int, int],
        bias: bool,
    ) -> None:
        graph = new_graph()
        y = graph.input([1, widths[0], 5, 6])
        for inputs, outputs, kernel in zip(widths, widths[1:], kernels, strict=False):
            y = graph.convolution(y, (outputs, inputs, kernel, kernel), bias=bias)
        result = rewritten(graph.model(y), merge_convolutions)
        area = 30 if kernels == (1, 1) else 12
        before = 30 if kernels[0] == 1 else 12
        k1, k2 = (kernel**2 for kernel in kernels)
        first, second, third = widths
        apart = before * first * second * k1 + area * second * third * k2
        merged = area * first * third * k1 * k2
        assert result.macs == min(apart, merged)
        assert bool(result.applied) == (merged < apart)

    def test_a_bias_before_a_border_stays(self, rewritten: Rewrites, graph: Graph) -> None:
        y = graph.convolution(graph.input([1, 1, 5, 6]), (6, 1, 1, 1))
        y = graph.convolution(y, (1, 6, 3, 3), pads=[1] * 4)
        assert not rewritten(graph.model(y), merge_convolutions).applied

    def test_without_a_bias_a_border_is_no_matter(self, rewritten: Rewrites, graph: Graph) -> None:
        y = graph.convolution(graph.input([1, 1, 5, 6]), (6, 1, 1, 1), bias=False)
        y = graph.convolution(y, (1, 6, 3, 3), pads=[1] * 4, strides=[2, 2])
        assert rewritten(graph.model(y), merge_convolutions).applied == 1

    def test_three_become_one(self, rewritten: Rewrites, graph: Graph) -> None:
        y = graph.input([1, 2, 5, 6])
        for shape in [(7, 2, 1, 1), (8, 7, 1, 1), (2, 8, 1, 1)]:
            y = graph.convolution(y, shape)
        result = rewritten(graph.model(y), merge_convolutions)
        assert (result.applied, result.count["nn.conv2d"]) == (2, 1)

    def test_a_sum_that_widens_an_image_is_no_bias(self, rewritten: Rewrites, graph: Graph) -> None:
        y = graph.convolution(graph.input([1, 3, 5, 6]), (1, 3, 1, 1), bias=False)
        y = graph.add("Add", y, graph.weight(6, 1, 1))
        y = graph.convolution(y, (1, 6, 1, 1))
        assert not rewritten(graph.model(y), merge_convolutions).applied

    @pytest.mark.parametrize("between", ["Relu", "read twice", "grouped"])
    def test_others_stay(self, rewritten: Rewrites, graph: Graph, between: str) -> None:
        group = 2 if between == "grouped" else 1
        y = graph.convolution(graph.input([1, 2, 5, 6]), (6, 2 // group, 1, 1), group=group)
        y = graph.add("Relu", y) if between == "Relu" else y
        z = graph.convolution(y, (2, 6, 1, 1))
        z = graph.add("Mul", z, graph.add("ReduceMax", y)) if between == "read twice" else z
        assert not rewritten(graph.model(z), merge_convolutions).applied


class TestFoldShuffles:
    @few
    @given(groups=st.sampled_from([2, 3, 6]), kernel=st.sampled_from([1, 3]))
    def test_a_shuffle_goes_into_the_weights(
        self, rewritten: Rewrites, new_graph: type[Graph], groups: int, kernel: int
    ) -> None:
        graph = new_graph()
        y = graph.shuffle(graph.input([1, 6, 4, 5]), groups, (6, 4, 5))
        y = graph.convolution(y, (4, 6, kernel, kernel), pads=[kernel // 2] * 4)
        result = rewritten(graph.model(y), fold_shuffles)
        assert (result.applied, result.count["permute_dims"]) == (1, 0)

    def test_a_grouped_convolution_keeps_its_shuffle(
        self, rewritten: Rewrites, graph: Graph
    ) -> None:
        y = graph.shuffle(graph.input([1, 6, 4, 5]), 3, (6, 4, 5))
        y = graph.convolution(y, (6, 3, 1, 1), group=2)
        assert not rewritten(graph.model(y), fold_shuffles).applied

    @pytest.mark.parametrize("perm", [[0, 2, 1, 4, 3], [0, 1, 3, 2, 4]])
    def test_a_transpose_of_pixels_is_no_shuffle(
        self, rewritten: Rewrites, graph: Graph, perm: list[int]
    ) -> None:
        y = graph.add(
            "Reshape", graph.input([1, 4, 2, 2]), graph.constant(np.array([1, 2, 2, 2, 2]))
        )
        y = graph.add("Transpose", y, perm=perm)
        y = graph.add("Reshape", y, graph.constant(np.array([1, 4, 2, 2])))
        assert not rewritten(graph.model(graph.convolution(y, (3, 4, 1, 1))), fold_shuffles).applied


class TestRemoveIdentities:
    def test_nothing_is_left_of_what_changes_nothing(
        self, rewritten: Rewrites, graph: Graph
    ) -> None:
        y = graph.add("Add", graph.input([1, 3, 4, 5]), graph.constant(np.zeros(5, np.float32)))
        y = graph.add("Mul", graph.constant(np.ones((3, 1, 1), np.float32)), y)
        y = graph.add("Pow", y, graph.constant(np.float32(1)))
        y = graph.add("Reshape", y, graph.constant(np.array([1, 3, 4, 5])))
        y = graph.add("Transpose", graph.resize(y, (1, 1)), perm=[0, 1, 2, 3])
        y = graph.add("MaxPool", graph.add("Concat", y, axis=2), kernel_shape=[1, 1])
        y = graph.add("Clip", y, graph.constant(np.float32(-np.inf)))
        y = graph.add(
            "Relu", graph.add("Relu", graph.add("Sub", y, graph.constant(np.float32(0.5))))
        )
        result = rewritten(graph.model(y), remove_identities)
        assert result.operators == ["subtract", "nn.relu"]

    @pytest.mark.parametrize("chosen", [True, False])
    def test_a_choice_that_is_the_same_everywhere(
        self, rewritten: Rewrites, graph: Graph, chosen: bool
    ) -> None:
        x, y = graph.input([1, 3, 4]), graph.constant(np.ones((1, 1, 4), np.float32))
        operands = (x, y) if chosen else (y, x)
        everywhere = graph.add("Where", graph.constant(np.full((3, 4), chosen)), *operands)
        widened = graph.add("Where", graph.constant(np.full((2, 3, 4), chosen)), *operands)
        model = graph.model(graph.add("Relu", everywhere), widened)
        assert rewritten(model, remove_identities).operators == ["nn.relu", "where"]

    def test_nothing_may_be_left(self, rewritten: Rewrites, graph: Graph) -> None:
        y = graph.add("Add", graph.input([1, 3]), graph.constant(np.zeros(3, np.float32)))
        assert rewritten(graph.model(y), remove_identities).operators == []

    def test_what_broadcasts_or_moves_is_no_identity(
        self, rewritten: Rewrites, graph: Graph
    ) -> None:
        y = graph.add(
            "Add", graph.input([1, 3, 1, 5]), graph.constant(np.zeros((4, 1), np.float32))
        )
        y = graph.add("Sub", graph.constant(np.float32(0)), y)
        y = graph.add("MaxPool", y, kernel_shape=[1, 1], strides=[2, 2])
        y = graph.add("Transpose", y, perm=[0, 1, 3, 2])
        result = rewritten(graph.model(y), remove_identities)
        assert result.operators == ["add", "subtract", "nn.max_pool2d", "permute_dims"]

    def test_constants_are_computed_and_the_unread_goes(
        self, rewritten: Rewrites, graph: Graph
    ) -> None:
        x = graph.input([1, 3])
        scale = graph.add("Exp", graph.add("Mul", graph.weight(3), graph.weight(3)))
        graph.add("Tanh", graph.add("Cos", x))
        result = rewritten(graph.model(graph.add("Mul", x, scale)), remove_identities)
        assert result.operators == ["multiply"]


def test_the_account_of_several(rewritten: Rewrites, graph: Graph, tmp_path: Path) -> None:
    y = graph.resize(graph.input([1, 2, 3, 3]), (2, 2))
    y = graph.convolution(graph.convolution(y, (7, 2, 1, 1)), (2, 7, 1, 1))
    onnx.save(graph.model(y), str(tmp_path / "model.onnx"))
    mod = fold_constants(import_model(load_model(tmp_path / "model.onnx")))
    rewrites = (merge_convolutions, sink_upsampling, fold_shuffles)
    after, done = Observer().run([Phase(one.__name__, one) for one in rewrites], mod)
    account = accounting.Rewrites.of(operator_macs(mod), operator_macs(after), done)
    assert account.to_dict() == {
        "macs_before": 36 * 28,
        "macs_after": 9 * 4,
        "applied": {"merge_convolutions": 1, "sink_upsampling": 1, "fold_shuffles": 0},
    }
    assert operator_macs(after) == 9 * 4


def test_macs_of_other_operators(graph: Graph, tmp_path: Path) -> None:
    image = graph.input([1, 4, 5, 5])
    y = graph.add("ConvTranspose", image, graph.weight(4, 3, 2, 2), strides=[2, 2])
    y = graph.add("Reshape", y, graph.constant(np.array([3, 100])))
    y = graph.add("MatMul", y, graph.weight(100, 7))
    z = graph.add("Reshape", image, graph.constant(np.array([1, 4, 25])))
    z = graph.add("Conv", z, graph.weight(6, 2, 3), group=2)
    onnx.save(graph.model(y, z), str(tmp_path / "model.onnx"))
    mod = import_model(load_model(tmp_path / "model.onnx"))
    assert operator_macs(mod) == 100 * 3 * 4 + 3 * 100 * 7 + 23 * 6 * 2 * 3
