"""Work moved before an upsampling: what is left, and that the result is still ONNX Runtime's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from compile.graph.phase_convolution import phase_convolutions, phases
from compile.graph.sink_upsampling import sink_upsampling
from tests.compile.conftest import Graph, Rewrites

few = settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
sizes = st.tuples(st.integers(1, 5), st.integers(1, 5))
factors = st.tuples(st.integers(1, 3), st.integers(2, 3))


class TestSinkUpsampling:
    @few
    @given(size=sizes, factor=factors, kind=st.sampled_from(["nearest", "nearest half-pixel"]))
    def test_all_pointwise_work_moves_before_a_nearest_resize(
        self,
        rewritten: Rewrites,
        new_graph: type[Graph],
        size: tuple[int, int],
        factor: tuple[int, int],
        kind: str,
    ) -> None:
        graph = new_graph()
        y = graph.resize(graph.input([1, 4, *size]), factor, kind)
        left, right = graph.add("Split", y, axis=1, num_outputs=2, outputs=2)
        left = graph.add("Sigmoid", graph.convolution(left, (4, 2, 1, 1)))
        right = graph.add("Mul", right, graph.weight(2, 1, 1))
        y = graph.add("Concat", left, right, axis=1)
        y = graph.shuffle(y, 2, (6, size[0] * factor[0], size[1] * factor[1]))
        y = graph.add("Add", y, graph.add("Relu", y))
        y = graph.add("Div", graph.constant(np.float32(2)), graph.add("Exp", y))
        y = graph.convolution(y, (2, 6, 1, 1))
        result = rewritten(graph.model(y), sink_upsampling)
        assert result.applied == 2
        assert result.operators[-1] == "image.resize2d"
        assert result.macs * factor[0] * factor[1] == result.macs_before

    @few
    @given(size=sizes, factor=factors, kind=st.sampled_from(["bilinear", "bilinear corners"]))
    def test_sums_move_before_a_bilinear_resize(
        self,
        rewritten: Rewrites,
        new_graph: type[Graph],
        size: tuple[int, int],
        factor: tuple[int, int],
        kind: str,
    ) -> None:
        # TVM divides by zero where corners are aligned and the result has one row.
        assume(kind == "bilinear" or size[0] * factor[0] > 1)
        graph = new_graph()
        y = graph.resize(graph.input([2, 4, *size]), factor, kind)
        y = graph.convolution(y, (4, 2, 1, 1), group=2)
        y = graph.add("Sub", graph.constant(np.float32(1)), graph.add("Add", y, y))
        result = rewritten(graph.model(y), sink_upsampling)
        assert result.applied == 1
        assert result.operators[-1] == "image.resize2d"

    def test_nothing_curved_moves_before_a_bilinear_resize(
        self, rewritten: Rewrites, graph: Graph
    ) -> None:
        y = graph.add("Tanh", graph.resize(graph.input([1, 4, 3, 5]), (2, 2), "bilinear"))
        assert not rewritten(
            graph.model(graph.convolution(y, (3, 4, 1, 1))), sink_upsampling
        ).applied

    def test_no_product_of_images_moves_before_a_bilinear_resize(
        self, rewritten: Rewrites, graph: Graph
    ) -> None:
        y = graph.resize(graph.input([1, 4, 3, 5]), (2, 2), "bilinear")
        y = graph.add("Mul", graph.convolution(y, (3, 4, 1, 1)), graph.convolution(y, (3, 4, 1, 1)))
        assert rewritten(graph.model(y), sink_upsampling).operators[-1] == "multiply"

    @pytest.mark.parametrize("scale", [0.5, (2, 0.5)])
    def test_a_resize_that_is_no_larger_stays(
        self, rewritten: Rewrites, graph: Graph, scale: float | tuple[float, float]
    ) -> None:
        scales = scale if isinstance(scale, tuple) else (scale, scale)
        y = graph.resize(graph.input([1, 3, 4, 6]), scales)
        assert not rewritten(
            graph.model(graph.convolution(y, (3, 3, 1, 1))), sink_upsampling
        ).applied

    @pytest.mark.parametrize(
        "attributes",
        [{"strides": [2, 2]}, {"pads": [1, 1, 1, 1]}, {"kernel_shape": [3, 3]}],
    )
    def test_other_convolutions_stay(
        self, rewritten: Rewrites, graph: Graph, attributes: dict[str, Any]
    ) -> None:
        y = graph.resize(graph.input([1, 3, 4, 6]), (2, 2))
        kernel = attributes.get("kernel_shape", [1, 1])
        y = graph.convolution(y, (3, 3, *kernel), **attributes)
        assert not rewritten(graph.model(y), sink_upsampling).applied

    def test_what_varies_over_pixels_stays_behind(self, rewritten: Rewrites, graph: Graph) -> None:
        y = graph.resize(graph.input([1, 3, 4, 6]), (2, 2))
        y = graph.add("Mul", y, graph.weight(8, 12))
        assert not rewritten(
            graph.model(graph.convolution(y, (3, 3, 1, 1))), sink_upsampling
        ).applied

    def test_images_enlarged_otherwise_do_not_join(self, rewritten: Rewrites, graph: Graph) -> None:
        x = graph.input([1, 3, 4, 6])
        tall, wide = graph.resize(x, (4, 2)), graph.resize(x, (4, 2), "bilinear")
        y = graph.add("Add", tall, wide)
        assert not rewritten(
            graph.model(graph.convolution(y, (3, 3, 1, 1))), sink_upsampling
        ).applied

    @few
    @given(size=sizes, parts=st.lists(st.booleans(), min_size=2, max_size=4))
    def test_a_convolution_of_a_part_that_is_enlarged_is_split(
        self, rewritten: Rewrites, new_graph: type[Graph], size: tuple[int, int], parts: list[bool]
    ) -> None:
        graph = new_graph()
        small, large = (
            graph.input([1, 3, *size]),
            graph.input([1, 2, size[0] * 2, size[1] * 2], "l"),
        )
        enlarged = graph.resize(small, (2, 2))
        y = graph.add("Concat", *(enlarged if part else large for part in parts), axis=1)
        y = graph.convolution(y, (4, sum(3 if part else 2 for part in parts), 1, 1))
        result = rewritten(graph.model(graph.add("Relu", y)), sink_upsampling)
        area = size[0] * size[1]
        assert bool(result.applied) == any(parts)
        assert result.macs == area * 4 * sum(3 if part else 8 for part in parts)

    def test_the_mean_of_copies_is_the_mean(self, rewritten: Rewrites, graph: Graph) -> None:
        """A squeeze-and-excite does not stop the upsampling in front of it."""
        y = graph.resize(graph.input([1, 4, 3, 5]), (2, 2))
        scale = graph.add("Sigmoid", graph.add("GlobalAveragePool", y))
        y = graph.convolution(graph.add("Mul", y, scale), (3, 4, 1, 1))
        assert rewritten(graph.model(y), sink_upsampling).operators[-1] == "image.resize2d"

    def test_what_is_read_twice_is_enlarged_for_those_that_need_it(
        self, rewritten: Rewrites, graph: Graph
    ) -> None:
        y = graph.resize(graph.input([1, 4, 3, 5]), (2, 2))
        wide = graph.convolution(y, (4, 4, 3, 3), pads=[1, 1, 1, 1])
        y = graph.add("Add", wide, graph.convolution(y, (4, 4, 1, 1)))
        result = rewritten(graph.model(y), sink_upsampling)
        assert result.count["image.resize2d"] == 2


class TestPhaseConvolutions:
    @few
    @given(
        size=sizes,
        factor=factors,
        kernel=st.tuples(st.integers(1, 5), st.integers(2, 5)),
        before=st.tuples(st.floats(0, 1), st.floats(0, 1)),
        depthwise=st.booleans(),
    )
    def test_any_kernel_that_keeps_the_size(
        self,
        rewritten: Rewrites,
        new_graph: type[Graph],
        size: tuple[int, int],
        factor: tuple[int, int],
        kernel: tuple[int, int],
        before: tuple[float, float],
        depthwise: bool,
    ) -> None:
        graph = new_graph()
        y = graph.resize(graph.input([2, 4, *size]), factor)
        top, left = (round(share * (k - 1)) for share, k in zip(before, kernel, strict=True))
        pads = [top, left, kernel[0] - 1 - top, kernel[1] - 1 - left]
        group = 4 if depthwise else 1
        y = graph.convolution(y, (4, 4 // group, *kernel), pads=pads, group=group)
        result = rewritten(graph.model(graph.add("Tanh", y)), phase_convolutions)
        assert result.applied == 1
        assert result.macs < result.macs_before
        assert result.count["nn.conv2d"] == factor[0] * factor[1]
        assert "image.resize2d" not in result.operators

    @pytest.mark.parametrize(("kernel", "taps"), [(5, 9), (3, 4), (7, 16)])
    def test_depthwise_costs_of_two_times(
        self, rewritten: Rewrites, graph: Graph, kernel: int, taps: int
    ) -> None:
        y = graph.resize(graph.input([1, 4, 3, 5]), (2, 2))
        pads = [kernel // 2] * 4
        y = graph.convolution(y, (4, 1, kernel, kernel), pads=pads, group=4)
        result = rewritten(graph.model(y), phase_convolutions)
        assert result.macs * kernel**2 == result.macs_before * taps

    @few
    @given(size=sizes, kernel=st.sampled_from([3, 4, 5]), place=st.integers(0, 3))
    def test_pixels_spread_out_among_zeros(
        self,
        rewritten: Rewrites,
        new_graph: type[Graph],
        size: tuple[int, int],
        kernel: int,
        place: int,
    ) -> None:
        """FCRN's unpooling: each pixel becomes one corner of a block."""
        graph = new_graph()
        mask = np.zeros((2, 2), np.float32)
        mask[place // 2, place % 2] = 3
        y = graph.resize(graph.input([1, 4, *size]), (2, 2))
        y = graph.add("Mul", y, graph.constant(np.tile(mask, size)[None, None]))
        pads = [kernel // 2, kernel // 2, (kernel - 1) // 2, (kernel - 1) // 2]
        y = graph.convolution(y, (3, 4, kernel, kernel), pads=pads)
        result = rewritten(graph.model(y), phase_convolutions)
        assert result.applied == 1
        assert "image.resize2d" not in result.operators
        if kernel != 4 or place == 0:
            assert result.macs * 4 >= result.macs_before

    def test_nothing_with_a_constant_term_moves_before_a_mask(
        self, rewritten: Rewrites, graph: Graph
    ) -> None:
        mask = np.tile(np.array([[1, 0], [0, 0]], np.float32), (3, 5))
        y = graph.add("Mul", graph.resize(graph.input([1, 4, 3, 5]), (2, 2)), graph.constant(mask))
        y = graph.add("Add", y, graph.weight(4, 1, 1))
        y = graph.convolution(y, (3, 4, 3, 3), pads=[1] * 4)
        assert not rewritten(graph.model(y), phase_convolutions).applied

    @pytest.mark.parametrize(
        "attributes",
        [
            {"pads": [1, 1, 1, 1], "strides": [2, 2]},
            {"pads": [2, 2, 2, 2], "dilations": [2, 2]},
            {"pads": [0, 0, 0, 0]},
        ],
    )
    def test_other_convolutions_stay(
        self, rewritten: Rewrites, graph: Graph, attributes: dict[str, Any]
    ) -> None:
        y = graph.resize(graph.input([1, 3, 4, 6]), (2, 2))
        y = graph.convolution(y, (3, 3, 3, 3), **attributes)
        assert not rewritten(graph.model(y), phase_convolutions).applied

    @pytest.mark.parametrize(
        ("factor", "kind"), [((1.5, 1.5), "nearest"), ((2.0, 2.0), "bilinear")]
    )
    def test_other_resizes_stay(
        self, rewritten: Rewrites, graph: Graph, factor: tuple[float, float], kind: str
    ) -> None:
        y = graph.resize(graph.input([1, 3, 4, 6]), factor, kind)
        y = graph.convolution(y, (3, 3, 3, 3), pads=[1, 1, 1, 1])
        assert not rewritten(graph.model(y), phase_convolutions).applied

    @few
    @given(size=sizes, attention=st.booleans())
    def test_phases_stay_apart_up_to_the_end(
        self, rewritten: Rewrites, new_graph: type[Graph], size: tuple[int, int], attention: bool
    ) -> None:
        """A decoder block with a shortcut, doubled again before the output convolution."""
        graph = new_graph()
        x = graph.resize(graph.input([1, 4, *size]), (2, 2))
        y = graph.add("Relu", graph.convolution(x, (4, 1, 5, 5), pads=[2] * 4, group=4))
        y = graph.add("Add", graph.convolution(y, (3, 4, 1, 1)), graph.convolution(x, (3, 4, 1, 1)))
        if attention:
            y = graph.add("Mul", y, graph.add("GlobalAveragePool", y))
        y = graph.convolution(graph.resize(y, (2, 2)), (1, 3, 1, 1))
        result = rewritten(graph.model(y), phase_convolutions)
        assert result.operators[-1] == "image.resize2d"
        assert result.count["permute_dims"] == 1
        area = size[0] * size[1]
        assert result.macs <= area * (4 * (9 * 4 + 12 + 3) + 12)

    def test_an_image_among_others_is_read_whole(self, rewritten: Rewrites, graph: Graph) -> None:
        x, tap = graph.input([1, 4, 3, 5]), graph.input([1, 4, 6, 10], "tap")
        y = graph.convolution(graph.resize(x, (2, 2)), (4, 1, 3, 3), pads=[1] * 4, group=4)
        y = graph.add("Concat", graph.add("Add", y, tap), y, axis=1)
        y = graph.convolution(y, (2, 8, 3, 3), pads=[1] * 4)
        assert rewritten(graph.model(y), phase_convolutions).applied == 1

    def test_kernels_of_phases(self) -> None:
        """Three taps in a row meet two source pixels, the middle one with one or the other."""
        weight = np.array([1.0, 10.0, 100.0], np.float32).reshape(1, 1, 1, 3)
        first, second = phases(weight, (1, 2), (0, 1), np.ones((1, 2)))
        assert first.kernel.ravel().tolist() == [1, 110]
        assert second.kernel.ravel().tolist() == [11, 100]
        assert (first.padding, second.padding) == ((0, 1, 0, 0), (0, 0, 0, 1))
