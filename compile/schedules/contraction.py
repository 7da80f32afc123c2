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

from compile.schedules import partial_sums, steps
from compile.schedules.register_tile import (
    Nest,
    ask_ahead,
    chunk_steps,
    hold,
    lanes_read,
    most_tiles,
)
from compile.schedules.tiles import Tile, choose_tile, padded, tiles_of_rows
from compile.targets import Target

FAMILY = "contraction"


def pointwise(builder: relax.BlockBuilder, call: Any, weight: np.ndarray, target: Target) -> Any:
    """A 1x1 convolution, NHWC, without padding or groups; `weight` is [inputs, outputs]."""
    down, right = (int(stride) for stride in call.attrs.strides)
    leading = [int(edge) for edge in call.ty.shape][:-1]
    K, N = weight.shape
    tile = choose_tile(leading, N, target, may_fuse=down == right == 1, length=K)

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
    K, N = weight.shape
    tile = choose_tile(leading, N, target, may_fuse=True, length=K)

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
    """Tiles of pixels by channels, panel by panel, chunk by chunk."""
    accumulate = sch.get_sblock("accumulate")
    tile = Tile.of(steps.take_annotations(sch, accumulate))
    target = target.of(steps.written_dtype(sch, accumulate))
    end = steps.fold_epilogue(sch, sch.get_sblock("unpack"))
    (*leading, o), (k,) = steps.spatial_and_reduced(sch, accumulate)
    shape = steps.written_shape(sch, accumulate)[:-1]
    outer = [] if tile.fuse_pixels else leading[:-1]
    p = sch.fuse(*leading) if tile.fuse_pixels else leading[-1]
    K = steps.extent(sch, k)
    by_lane = lanes_read(K, target)
    stretch = partial_sums.stretch_of(sch, accumulate, k, by_lane or 1)
    chunk = stretch or chunk_steps(K, tile, target, multiple=by_lane or 1)
    sharing = 1 if chunk in (K, stretch) else tiles_of_rows(tile, shape, most_tiles(tile, target))
    far, near, pixels = sch.split(p, [None, sharing, tile.pixels])
    block, vectors, lane = sch.split(o, [None, tile.vectors, tile.lanes])
    computes_panel = any(sch.get(b).name_hint == "pack" for b in steps.blocks(sch))
    chunks, step = sch.split(k, [None, chunk if sharing > 1 or stretch else K])
    # A constant panel is read once while pixels stream by; a computed one is made for its batch.
    around = [*outer, block, far, near] if computes_panel else [block, *outer, far, near]
    tiles = [around.pop()] if sharing > 1 else []
    nest = Nest(around, [chunks], tiles, step, [], pixels, vectors, lane)
    if computes_panel:
        steps.vectorise_last(sch, sch.get_sblock("pack"), target)
    rows = sch.get_sblock("rows")
    apart = chunks if stretch else None
    step = hold(sch, accumulate, end, nest, tile, target, by_lane=by_lane, rows=rows, apart=apart)
    if not computes_panel and not stretch:
        ask_ahead(sch, nest, {block: 1}, step, target)
