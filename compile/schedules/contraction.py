"""Products with a matrix: pointwise convolution, dense layers, batched matrix products.

The second operand lies packed in blocks of output channels, [blocks, steps, channels of a block],
so that the inner loop reads it in a straight line; a tile of pixels by channels accumulates in
registers over all steps. Channels and pixels that do not fill a tile are padded: extra channels
have zero weights, extra pixels repeat the last one, and neither is written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
from tvm import relax, te, tirx
from tvm.s_tir import Schedule

from compile.schedules import steps
from compile.schedules.tiles import Tile, choose_tile, padded
from compile.targets import Target

FAMILY = "contraction"


def pointwise(builder: relax.BlockBuilder, call: Any, weight: np.ndarray, target: Target) -> Any:
    """A 1x1 convolution, NHWC, without padding or groups; `weight` is [inputs, outputs]."""
    down, right = (int(stride) for stride in call.attrs.strides)
    leading = [int(edge) for edge in call.ty.shape][:-1]
    tile = choose_tile(leading, weight.shape[1], target, may_fuse=down == right == 1)

    def compute(data: te.Tensor, panel: te.Tensor) -> te.Tensor:
        def read(index: Sequence[Any], k: Any) -> Any:
            n, h, w = index
            return data[n, h * down, w * right, k]

        def packed(_: Sequence[Any], block: Any, k: Any, lane: Any) -> Any:
            return panel[block, k, lane]

        return contract(leading, weight.shape, tile, read, packed)

    panel = relax.const(pack(weight, tile))
    return builder.call_te(compute, call.args[0], panel, primfunc_name_hint="pointwise")


def dense(builder: relax.BlockBuilder, call: Any, weight: np.ndarray, target: Target) -> Any:
    """A product with a constant matrix [steps, outputs]; the first operand is of any rank."""
    leading = [int(edge) for edge in call.ty.shape][:-1] or [1]
    tile = choose_tile(leading, weight.shape[1], target, may_fuse=True)

    def compute(data: te.Tensor, panel: te.Tensor) -> te.Tensor:
        def read(index: Sequence[Any], k: Any) -> Any:
            return data[(*index, k)]

        def packed(_: Sequence[Any], block: Any, k: Any, lane: Any) -> Any:
            return panel[block, k, lane]

        return contract(leading, weight.shape, tile, read, packed)

    panel = relax.const(pack(weight, tile))
    return builder.call_te(compute, call.args[0], panel, primfunc_name_hint="dense")


def batched(builder: relax.BlockBuilder, call: Any, target: Target) -> Any:
    """A product of two computed tensors of rank two or more; the second is packed on the fly."""
    left, right = ([int(edge) for edge in argument.ty.shape] for argument in call.args)
    leading = [int(edge) for edge in call.ty.shape][:-1]
    K, N = right[-2:]
    tile = choose_tile(leading, N, target, may_fuse=False)

    def compute(data: te.Tensor, matrix: te.Tensor) -> te.Tensor:
        def read(index: Sequence[Any], k: Any) -> Any:
            return data[(*_broadcast(index[:-1], left[:-2]), index[-1], k)]

        batch = right[:-2]

        def column(*index: Any) -> Any:
            *at, block, k, lane = index
            n = block * tile.channels + lane
            value = matrix[(*at, k, tirx.min(n, N - 1) if N % tile.channels else n)]
            return value

        blocks = padded(N, tile.channels) // tile.channels
        shape = (*batch, blocks, K, tile.channels)
        panel = te.compute(shape, column, name="pack")

        def packed(index: Sequence[Any], block: Any, k: Any, lane: Any) -> Any:
            return panel[(*_broadcast(index[:-1], batch), block, k, lane)]

        return contract(leading, (K, N), tile, read, packed)

    return builder.call_te(compute, *call.args, primfunc_name_hint="matmul")


def _broadcast(index: Sequence[Any], shape: Sequence[int]) -> list[Any]:
    """The index of an operand whose shape broadcasts to that of the result."""
    used = index[len(index) - len(shape) :]
    return [0 if edge == 1 else at for at, edge in zip(used, shape, strict=True)]


def pack(weight: np.ndarray, tile: Tile) -> np.ndarray:
    """[steps, outputs] as [blocks, steps, channels of a block], padded with zeros."""
    K, N = weight.shape
    width = padded(N, tile.channels)
    wide = np.zeros((K, width), weight.dtype)
    wide[:, :N] = weight
    return np.ascontiguousarray(wide.reshape(K, -1, tile.channels).transpose(1, 0, 2))


def contract(
    leading: Sequence[int],
    matrix: Sequence[int],
    tile: Tile,
    read: Callable[[Sequence[Any], Any], Any],
    packed: Callable[[Sequence[Any], Any, Any, Any], Any],
) -> te.Tensor:
    """Sum over k of read(leading index, k) * packed(leading index, block, k, lane)."""
    K, N = matrix
    last = leading[-1] if tile.fuse_pixels else padded(leading[-1], tile.pixels)
    k = te.reduce_axis((0, K), "k")

    def row(*index: Any) -> Any:
        *at, step = index
        if last != leading[-1]:
            at[-1] = tirx.min(at[-1], leading[-1] - 1)
        return read(at, step)

    rows = te.compute((*leading[:-1], last, K), row, name="rows")

    def product(*index: Any) -> Any:
        *at, o = index
        block, lane = te.indexdiv(o, tile.channels), te.indexmod(o, tile.channels)
        return te.sum(rows[(*at, k)] * packed(at, block, k, lane), axis=k)

    accumulated = te.compute(
        (*leading[:-1], last, padded(N, tile.channels)),
        product,
        name="accumulate",
        attrs={steps.FAMILY: FAMILY, steps.MACS: prod(leading) * K * N, **tile.annotations()},
    )
    return te.compute((*leading, N), lambda *index: accumulated[index], name="unpack")


def schedule(sch: Schedule, target: Target) -> None:
    """Tile the accumulation into registers and write each tile through its epilogue."""
    accumulate = sch.get_sblock("accumulate")
    tile = Tile.of(steps.take_annotations(sch, accumulate))
    end = steps.fold_epilogue(sch, sch.get_sblock("unpack"))
    spatial, (k,) = steps.spatial_and_reduced(sch, accumulate)
    *leading, o = spatial
    outer = [] if tile.fuse_pixels else leading[:-1]
    p = sch.fuse(*leading) if tile.fuse_pixels else leading[-1]
    p_out, p_in = sch.split(p, [None, tile.pixels])
    o_out, o_in, lane = sch.split(o, [None, tile.vectors, tile.lanes])
    computes_panel = any(sch.get(b).name_hint == "pack" for b in steps.blocks(sch))
    # A constant panel is read once while pixels stream by; a computed one is made for its batch.
    around = [*outer, o_out, p_out] if computes_panel else [o_out, *outer, p_out]
    sch.reorder(*around, k, p_in, o_in, lane)
    if computes_panel:
        panel = sch.get_sblock("pack")
        steps.vectorise_last(sch, panel, target)
    sch.reverse_compute_at(end, around[-1], preserve_unit_loops=True)
    rows = sch.get_sblock("rows")
    by_lane = feeds_lanes(sch, k, target)
    if not by_lane:
        sch.compute_inline(rows)
    inner = p_in, o_in, lane
    finish_tile(
        sch, accumulate, end, [k], inner, tile, depth=len(around), by_lane=by_lane, rows=rows
    )


def finish_tile(
    sch: Schedule,
    accumulate: Any,
    end: Any,
    reduced: Sequence[Any],
    inner: tuple[Any, Any, Any],
    tile: Tile,
    *,
    depth: int,
    by_lane: bool,
    rows: Any = None,
) -> None:
    """Unroll and vectorise a register tile, its start from zero, and the block that writes it.

    `reduced` and then `inner` (pixels, vectors, lanes) are the innermost loops of `accumulate`;
    `depth` loops lie around the tile. `by_lane` reads four steps of the first operand at once;
    `rows` is the block that reads it, where there is one of its own.
    """
    p_in, o_in, lane = inner
    first = reduced[0]
    k = reduced[-1]
    if by_lane:
        # Four steps of a pixel in one register: LLVM then multiplies by a lane of it.
        k, four = sch.split(k, [None, 4])
        first = first if len(reduced) > 1 else k
        sch.unroll(four)
        held = sch.cache_read(accumulate, 0, "global") if rows is None else rows
        sch.compute_at(held, k, preserve_unit_loops=True)
        *pixels, last = sch.get_loops(held)[depth + len(reduced) :]
        steps.unroll_all(sch, pixels)
        sch.vectorize(last)
    sch.unroll(p_in)
    sch.unroll(o_in)
    sch.vectorize(lane)
    sch.decompose_reduction(accumulate, first)
    *pixels, channels = sch.get_loops(end)[depth:]
    outputs = steps.written_shape(sch, end)[-1]
    if outputs % tile.lanes == 0:
        vectors, lane = sch.split(channels, [None, tile.lanes])
        sch.unroll(vectors)
        sch.vectorize(lane)
    steps.unroll_all(sch, pixels)


def feeds_lanes(sch: Schedule, k: Any, target: Target) -> bool:
    """Whether four steps of the first operand, along memory, are loaded as one register."""
    return target.by_lane and steps.extent(sch, k) % 4 == 0
