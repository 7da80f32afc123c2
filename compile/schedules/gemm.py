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

from compile.operators import partial_sums
from compile.operators.multiply_accumulate import FLOATS, Sums
from compile.schedules import schedule_utils
from compile.schedules.choices import WORKLOAD, around_formula, describe
from compile.schedules.elementwise import schedule_after
from compile.schedules.microkernel import Nest, ask_ahead, chunk_sizes, hold, lanes_read, most_tiles
from compile.schedules.rewrites import prefetch
from compile.schedules.tiles import Tile, padded, ranked_tiles, sharing_tiles, tiles_of_rows
from compile.targets import Target

FAMILY = "contraction"
# TVM's number for operators that what follows is fused into; it knows only those that multiply.
FUSES_WITH_NEXT = {"op_pattern": 4}


def pointwise(
    builder: relax.BlockBuilder,
    call: Any,
    weight: np.ndarray,
    target: Target,
    sums: Sums = FLOATS,
    data: Any = None,
) -> Any:
    """A 1x1 convolution, NHWC, without padding or groups; `weight` is [inputs, outputs].

    `data` is what it reads, by default the first operand of the call.
    """
    down, right = (int(stride) for stride in call.attrs.strides)

    def place(index: Sequence[Any]) -> tuple[Any, ...]:
        n, h, w = index
        return n, h * down, w * right

    stride = down, right
    return _with_panel(builder, call, weight, target, sums, data, "pointwise", place, stride)


def dense(
    builder: relax.BlockBuilder,
    call: Any,
    weight: np.ndarray,
    target: Target,
    sums: Sums = FLOATS,
    data: Any = None,
) -> Any:
    """A product with a constant matrix [inputs, outputs]; the first operand is of any rank."""
    return _with_panel(builder, call, weight, target, sums, data, "dense", tuple)


def _with_panel(
    builder: relax.BlockBuilder,
    call: Any,
    weight: np.ndarray,
    target: Target,
    sums: Sums,
    data: Any,
    name: str,
    place: Callable[[Sequence[Any]], tuple[Any, ...]],
    stride: tuple[int, int] | None = None,
) -> Any:
    """A product with a constant matrix, at the `place` of the first operand by output index."""
    leading = [int(edge) for edge in call.ty.shape][:-1] or [1]
    macs = prod(leading) * weight.size
    weight = sums.pack(weight)
    K, N = weight.shape
    facts = sums.facts | ({"stride": stride} if stride else {})
    workload = _workload(name, leading, weight.shape, target, **facts)
    tiles = ranked_tiles(leading, N, target, may_fuse=stride in (None, (1, 1)), length=K)
    tile = target.choices.pick(workload, "tile", tiles)

    def compute(image: te.Tensor, panel: te.Tensor, *operands: te.Tensor) -> te.Tensor:
        def read(index: Sequence[Any], k: Any) -> Any:
            at = place(index)
            return sums.read(lambda offset: image[(*at, k * sums.width + offset)])

        def packed(_: Sequence[Any], block: Any, k: Any, lane: Any) -> Any:
            return panel[block, k, lane]

        return contract(leading, weight.shape, tile, read, packed, workload, macs, sums, operands)

    image = call.args[0] if data is None else data
    return builder.call_te(
        compute,
        image,
        relax.const(pack(weight, tile)),
        *sums.operands(padded(N, tile.channels)),
        primfunc_name_hint=name,
        primfunc_attrs=FUSES_WITH_NEXT,
    )


def batched(builder: relax.BlockBuilder, call: Any, target: Target) -> Any:
    """A product of two computed tensors of rank two or more; the second is packed on the fly."""
    left, right = ([int(edge) for edge in argument.ty.shape] for argument in call.args)
    leading = [int(edge) for edge in call.ty.shape][:-1]
    K, N = right[-2:]
    workload = _workload("matmul", leading, (K, N), target, right=tuple(right[:-2]))
    tiles = ranked_tiles(leading, N, target, may_fuse=False)
    tile = target.choices.pick(workload, "tile", tiles)

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

        return contract(leading, (K, N), tile, read, packed, workload)

    return builder.call_te(compute, *call.args, primfunc_name_hint="matmul")


def _workload(
    kind: str, leading: Sequence[int], matrix: Sequence[int], target: Target, **facts: Any
) -> str:
    bits, threads = 8 * target.element_bytes, target.threads
    K, N = matrix
    return describe(kind, leading, (K, N), **facts, float=bits, threads=threads)


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
    workload: str = "",
    macs: int = 0,
    sums: Sums = FLOATS,
    operands: Sequence[te.Tensor] = (),
) -> te.Tensor:
    """Sum over k of the products of read(leading index, k) and packed(.., block, k, lane)."""
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
        return te.sum(sums.product(rows[(*at, k)], packed(at, block, k, lane)), axis=k)

    accumulated = te.compute(
        (*leading[:-1], last, padded(N, tile.channels)),
        product,
        name="accumulate",
        attrs={
            schedule_utils.FAMILY: FAMILY,
            schedule_utils.MACS: macs or prod(leading) * K * N,
            WORKLOAD: workload,
            **tile.annotations(),
        },
    )

    def written(*index: Any) -> Any:
        return sums.result(accumulated[index], index, *operands)

    return te.compute((*leading, N), written, name="unpack")


def schedule(sch: Schedule, target: Target) -> None:
    """Tiles of pixels by channels, panel by panel, chunk by chunk."""
    accumulate = sch.get_sblock("accumulate")
    notes = schedule_utils.take_annotations(sch, accumulate)
    tile, choose = Tile.of(notes), target.choices.of(notes.get(WORKLOAD, ""))
    target = target.of(schedule_utils.written_dtype(sch, accumulate))
    end = schedule_utils.fold_epilogue(sch, sch.get_sblock("unpack"))
    (*leading, o), (k,) = schedule_utils.spatial_and_reduced(sch, accumulate)
    shape = schedule_utils.written_shape(sch, accumulate)[:-1]
    outer = [] if tile.fuse_pixels else leading[:-1]
    p = sch.fuse(*leading) if tile.fuse_pixels else leading[-1]
    K = schedule_utils.extent(sch, k)
    by_lane = lanes_read(K, target)
    stretch = partial_sums.stretch_of(sch, accumulate, k, by_lane or 1)
    chunk = stretch or choose("chunk", chunk_sizes(K, tile, target, multiple=by_lane or 1))
    sharing = 1
    if chunk not in (K, stretch):
        blocks = schedule_utils.extent(sch, o) // tile.channels
        most = tiles_of_rows(tile, shape, most_tiles(tile, target), blocks, target.threads)
        sharing = choose("tiles", around_formula(most, sharing_tiles(tile, shape)))
    far, near, pixels = sch.split(p, [None, sharing, tile.pixels])
    block, vectors, lane = sch.split(o, [None, tile.vectors, tile.lanes])
    computes_panel = any(sch.get(b).name_hint == "pack" for b in schedule_utils.blocks(sch))
    chunks, step = sch.split(k, [None, chunk if sharing > 1 or stretch else K])
    tiles, along = ([near], [far]) if sharing > 1 else ([], [far, near])
    orders = {
        "weights": [block, *outer, *along],
        "rows": [*outer, block, *along],
        "pixels": [*outer, *along, block],
    }
    # A constant panel is read once while pixels stream by; a computed one is made for its batch.
    names = ["rows"] if computes_panel else list(orders)
    around = orders[
        choose("outermost", names if schedule_utils.extent(sch, block) > 1 else names[:1])
    ]
    nest = Nest(around, [chunks], tiles, step, [], pixels, vectors, lane)
    if computes_panel:
        schedule_utils.vectorise_last(sch, sch.get_sblock("pack"), target)
    weight_bytes = K * schedule_utils.written_shape(sch, accumulate)[-1] * target.element_bytes
    rows = sch.get_sblock("rows")
    image = str(sch.get(rows).reads[0].source.name)
    apart = chunks if stretch else None
    step = hold(
        sch, accumulate, end, nest, tile, target, choose, by_lane=by_lane, rows=rows, apart=apart
    )
    schedule_after(sch, end, target)
    single = prod(shape) == 1 and target.threads > 1
    if single:
        prefetch.plan_pixel(sch, image, around[-1])
    # The kernels before it have asked for the weights of a single pixel, if these are not too many.
    is_there = single and weight_bytes <= target.l2_bytes * prefetch.WAITING_SHARE
    if not (computes_panel or stretch or is_there):
        ask_ahead(sch, nest, {block: 1}, step, target, choose)
