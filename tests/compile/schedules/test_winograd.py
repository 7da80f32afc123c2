"""Minimal filtering agrees with direct convolution, for any tiling, and is chosen where it pays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from compile import targets
from compile.operators import winograd_convolution
from compile.operators.minimal_filtering import LARGEST, apply, matrices, within_borders
from compile.operators.winograd_convolution import SIZES, Tiling
from compile.pipeline import compile_model
from tests.compile.conftest import Agree, Graph

few = settings(
    max_examples=6, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.mark.parametrize(
    ("size", "count"),
    [(size, count) for size in range(4, LARGEST + 1) for count in (2, 3, 5, 7) if count < size],
)
def test_minimal_filtering_is_a_correlation(size: int, count: int) -> None:
    outputs = size - count + 1
    B, G, A = matrices(outputs, count)
    random = np.random.default_rng(outputs)
    data, taps = random.standard_normal(size), random.standard_normal(count)

    transformed = [apply(B, row, [*data], float) for row in range(len(B))]
    products = np.array(transformed) * (G @ taps)
    result = [apply(A, row, [*products], float) for row in range(outputs)]

    np.testing.assert_allclose(result, np.correlate(data, taps, "valid"))


@pytest.mark.parametrize("outputs", [1, 2])
def test_taps_that_meet_a_border_are_not_multiplied(outputs: int) -> None:
    B, G, A = within_borders(outputs)
    random = np.random.default_rng(outputs)
    data = np.pad(random.standard_normal(outputs), 1)
    taps = random.standard_normal(3)

    np.testing.assert_allclose(A @ ((G @ taps) * (B @ data)), np.correlate(data, taps, "valid"))
    assert len(B) < len(matrices(outputs, 3)[0])


@pytest.mark.parametrize(
    ("size", "dilation"), [((13, 13), (7, 7)), ((11, 9), (11, 5)), ((16, 28), (9, 1))]
)
def test_dilations_into_the_border(
    agree: Agree, graph: Graph, size: tuple[int, int], dilation: tuple[int, int]
) -> None:
    x = graph.input([1, 64, *size])
    weights = graph.weight(64, 64, 3, 3), graph.weight(64)
    y = graph.add("Conv", x, *weights, pads=[*dilation] * 2, dilations=dilation)
    compiled = agree(graph.model(graph.add("HardSwish", y)), "host")
    assert compiled.account.families["winograd"] == 1


@few
@given(
    size=st.tuples(st.integers(3, 13), st.integers(3, 13)),
    channels=st.tuples(st.sampled_from((8, 16, 40)), st.sampled_from((5, 16, 48))),
    batch=st.sampled_from((1, 1, 2)),
    dilation=st.tuples(st.sampled_from((1, 1, 2, 3)), st.sampled_from((1, 1, 2, 3))),
    pads=st.tuples(*[st.integers(1, 2)] * 4),
    taps=st.tuples(st.sampled_from((2, 3)), st.sampled_from((2, 3))) | st.just((5, 5)),
    tile=st.sampled_from(SIZES),
    bands=st.integers(1, 3),
    target=st.sampled_from(targets.NAMES),
)
@example((13, 11), (16, 48), 1, (1, 1), (1, 1, 1, 1), (3, 3), 6, 2, "host")
@example((13, 11), (40, 16), 2, (1, 1), (1, 1, 1, 1), (2, 3), 4, 3, "arm64-a76")
@example((13, 9), (16, 16), 1, (3, 3), (3, 3, 3, 3), (3, 3), 5, 1, "arm64-a76")
@example((13, 9), (97, 16), 1, (1, 1), (2, 2, 2, 2), (5, 5), 8, 1, "host")
def test_any_tiling(
    agree: Agree,
    new_graph: type[Graph],
    size: tuple[int, int],
    channels: tuple[int, int],
    batch: int,
    dilation: tuple[int, int],
    pads: tuple[int, ...],
    taps: tuple[int, int],
    tile: int,
    bands: int,
    target: str,
) -> None:
    def force(call: Any, weight: Any, groups: int, target: Any) -> Tiling:
        height, width = [int(edge) for edge in call.ty.shape][1:3]
        tiling = Tiling(height, width, taps, dilation, (tile, tile))
        return tiling if dilation[0] > 1 else replace(tiling, bands=min(bands, tiling.down))

    tile = max(tile, 6) if taps == (5, 5) else tile
    dilated = [pad * step for pad, step in zip(pads, dilation * 2, strict=True)]
    padded = [size[axis] + dilated[axis] + dilated[axis + 2] for axis in (0, 1)]
    reach = [(count - 1) * step for count, step in zip(taps, dilation, strict=True)]
    assume(all(edge > most for edge, most in zip(padded, reach, strict=True)))
    graph = new_graph()
    x = graph.input([batch, channels[0], *size])
    weights = graph.weight(channels[1], channels[0], *taps), graph.weight(channels[1])
    y = graph.add("Conv", x, *weights, pads=dilated, dilations=dilation)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(winograd_convolution, "choose", force)
        compiled = agree(graph.model(graph.add("HardSwish", y)), target)
    assert compiled.account.to_dict()["fallbacks"] == []
    assert compiled.account.families["winograd"] == 1


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("size", "inputs"), [(9, 1024), (64, 48)])
def test_chunks_of_weights_and_bands_of_tiles(
    agree: Agree, graph: Graph, size: int, inputs: int, threads: int
) -> None:
    """Sums of many channels wait between chunks; large images are taken band by band."""
    x = graph.input([1, inputs, size, size])
    y = graph.add("Conv", x, graph.weight(64, inputs, 3, 3), pads=[1] * 4)
    account = agree(graph.model(y), "host", threads=threads).account
    assert account.families["winograd"] == 1
    assert (account.parallel_macs > 0) == (threads > 1)


class _Call:
    """What `choose` asks of a convolution."""

    def __init__(self, size: int, outputs: int, *, stride: int = 1, dilation: int = 1) -> None:
        self.ty = SimpleNamespace(shape=[1, size, size, outputs])
        self.attrs = SimpleNamespace(
            strides=[stride] * 2, dilation=[dilation] * 2, padding=[dilation] * 4
        )


@pytest.mark.parametrize("target", targets.NAMES)
def test_chosen_where_it_pays(target: str) -> None:
    machine = replace(targets.get(target), may_grow=True)

    def chosen(
        call: _Call, inputs: int, groups: int = 1, machine: Any = machine, kernel: int = 3
    ) -> tuple[int, int] | None:
        outputs = int(call.ty.shape[-1])
        weight = np.empty((kernel, kernel, inputs // groups, outputs), np.float32)
        tiling = winograd_convolution.choose(call, weight, groups, machine)
        return tiling.size if tiling else None

    assert chosen(_Call(28, 512), 512) == (6, 6)
    assert chosen(_Call(29, 512, dilation=6), 512) == (5, 7)  # 5 pixels a phase
    assert chosen(_Call(29, 512, dilation=18), 512) == (4, 4)
    assert chosen(_Call(29, 512, dilation=29), 512) == (3, 3)  # one tap is not in the border
    assert chosen(_Call(108, 64), 97, kernel=5) == (8, 8)
    assert chosen(_Call(28, 512, stride=2), 512) is None
    assert chosen(_Call(28, 512), 512, groups=32) is None
    assert chosen(_Call(28, 512), 512, machine=machine.of("float16")) is None
    assert chosen(_Call(112, 16), 16) is None  # transforms would take longer than the products
    assert chosen(_Call(224, 3), 64) is None


def test_bands_keep_the_transforms_in_the_second_cache() -> None:
    weight = np.empty((3, 3, 64, 64), np.float32)
    phone = targets.get("arm64-a76")
    tiling = winograd_convolution.choose(_Call(224, 64), weight, 1, replace(phone, may_grow=True))
    assert tiling is not None
    assert tiling.bands > 1


def test_what_is_shipped_to_a_phone_does_not_grow() -> None:
    weight = np.empty((3, 3, 512, 512), np.float32)
    assert winograd_convolution.choose(_Call(28, 512), weight, 1, targets.get("arm64-a76")) is None


def test_a_phones_weights_grow_where_that_is_allowed(tmp_path: Path, graph: Graph) -> None:
    y = graph.convolution(graph.input([1, 64, 20, 20]), [64, 64, 3, 3], pads=[1] * 4)
    file = tmp_path / "dense.onnx"
    onnx.save(graph.model(graph.add("Relu", y)), str(file))
    plain, grown = (
        compile_model(file, "arm64-a76", tmp_path / "out", allow_growth=allowed)
        for allowed in (False, True)
    )
    assert not grown.reused
    assert [one.manifest["may_grow"] for one in (plain, grown)] == [False, True]
    assert "winograd" not in plain.manifest["schedule"]["families"]
    assert grown.manifest["schedule"]["families"]["winograd"] == 1
    weights = [one.manifest["memory"]["weights_bytes"] for one in (plain, grown)]
    assert weights[0] < weights[1] <= winograd_convolution.MOST_WEIGHTS * weights[0]
