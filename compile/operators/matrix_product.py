"""Products with a matrix: pointwise convolutions, dense layers, batched matrix products.

The second operand lies packed in blocks of output channels, [blocks, steps, channels of a block],
so that the inner loop reads it in a straight line. Channels and pixels that do not fill a tile are
padded: extra channels have zero weights, extra pixels repeat the last one, and neither is written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
from tvm import relax, te, tirx

from compile.choices import describe
from compile.operators.annotations import FAMILY, MACS, WORKLOAD
from compile.operators.multiply_accumulate import FLOATS, Sums
from compile.operators.tiles import Tile, padded, ranked_tiles
from compile.targets import Target

MATRIX_PRODUCT = "contraction"
# TVM's number for operators that what follows is fused into; it knows only those that multiply.
FUSES_WITH_NEXT = {"op_pattern": 4}


def pointwise(
    builder: relax.BlockBuilder,
    call: relax.Call,
    weight: np.ndarray,
    target: Target,
    sums: Sums = FLOATS,
    data: relax.Expr | None = None,
) -> relax.Expr:
    """A 1x1 convolution, NHWC, without padding or groups; `weight` is [inputs, outputs].

    `data` is what it reads, by default the first operand of the call.
    """
    down, right = (int(stride) for stride in call.attrs.strides)

    def place(index: Sequence[tirx.Expr]) -> tuple[tirx.Expr, ...]:
        n, h, w = index
        return n, h * down, w * right

    stride = down, right
    return _with_panel(builder, call, weight, target, sums, data, "pointwise", place, stride)


def dense(
    builder: relax.BlockBuilder,
    call: relax.Call,
    weight: np.ndarray,
    target: Target,
    sums: Sums = FLOATS,
    data: relax.Expr | None = None,
) -> relax.Expr:
    """A product with a constant matrix [inputs, outputs]; the first operand is of any rank."""
    return _with_panel(builder, call, weight, target, sums, data, "dense", tuple)


def _with_panel(
    builder: relax.BlockBuilder,
    call: relax.Call,
    weight: np.ndarray,
    target: Target,
    sums: Sums,
    data: relax.Expr | None,
    name: str,
    place: Callable[[Sequence[tirx.Expr]], tuple[tirx.Expr, ...]],
    stride: tuple[int, int] | None = None,
) -> relax.Expr:
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
        def read(index: Sequence[tirx.Expr], k: tirx.Expr) -> tirx.Expr:
            at = place(index)
            return sums.read(lambda offset: image[(*at, k * sums.width + offset)])

        def packed(
            _: Sequence[tirx.Expr], block: tirx.Expr, k: tirx.Expr, lane: tirx.Expr
        ) -> tirx.Expr:
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


def batched(builder: relax.BlockBuilder, call: relax.Call, target: Target) -> relax.Expr:
    """A product of two computed tensors of rank two or more; the second is packed on the fly."""
    left, right = ([int(edge) for edge in argument.ty.shape] for argument in call.args)
    leading = [int(edge) for edge in call.ty.shape][:-1]
    K, N = right[-2:]
    workload = _workload("matmul", leading, (K, N), target, right=tuple(right[:-2]))
    tiles = ranked_tiles(leading, N, target, may_fuse=False)
    tile = target.choices.pick(workload, "tile", tiles)

    def compute(data: te.Tensor, matrix: te.Tensor) -> te.Tensor:
        def read(index: Sequence[tirx.Expr], k: tirx.Expr) -> tirx.Expr:
            return data[(*_broadcast(index[:-1], left[:-2]), index[-1], k)]

        batch = right[:-2]

        def column(*index: tirx.Expr) -> tirx.Expr:
            *at, block, k, lane = index
            n = block * tile.channels + lane
            value = matrix[(*at, k, tirx.min(n, N - 1) if N % tile.channels else n)]
            return value

        blocks = padded(N, tile.channels) // tile.channels
        shape = (*batch, blocks, K, tile.channels)
        panel = te.compute(shape, column, name="pack")

        def packed(
            index: Sequence[tirx.Expr], block: tirx.Expr, k: tirx.Expr, lane: tirx.Expr
        ) -> tirx.Expr:
            return panel[(*_broadcast(index[:-1], batch), block, k, lane)]

        return contract(leading, (K, N), tile, read, packed, workload)

    return builder.call_te(compute, *call.args, primfunc_name_hint="matmul")


def _workload(
    kind: str, leading: Sequence[int], matrix: Sequence[int], target: Target, **facts: Any
) -> str:
    bits, threads = 8 * target.element_bytes, target.threads
    K, N = matrix
    return describe(kind, leading, (K, N), **facts, float=bits, threads=threads)


def _broadcast(index: Sequence[tirx.Expr], shape: Sequence[int]) -> list[tirx.Expr]:
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
    read: Callable[[Sequence[tirx.Expr], tirx.Expr], tirx.Expr],
    packed: Callable[[Sequence[tirx.Expr], tirx.Expr, tirx.Expr, tirx.Expr], tirx.Expr],
    workload: str = "",
    macs: int = 0,
    sums: Sums = FLOATS,
    operands: Sequence[te.Tensor] = (),
) -> te.Tensor:
    """Sum over k of the products of read(leading index, k) and packed(.., block, k, lane)."""
    K, N = matrix
    last = leading[-1] if tile.fuse_pixels else padded(leading[-1], tile.pixels)
    k = te.reduce_axis((0, K), "k")

    def row(*index: tirx.Expr) -> tirx.Expr:
        *at, step = index
        if last != leading[-1]:
            at[-1] = tirx.min(at[-1], leading[-1] - 1)
        return read(at, step)

    rows = te.compute((*leading[:-1], last, K), row, name="rows")

    def product(*index: tirx.Expr) -> tirx.Expr:
        *at, o = index
        block, lane = te.indexdiv(o, tile.channels), te.indexmod(o, tile.channels)
        return te.sum(sums.product(rows[(*at, k)], packed(at, block, k, lane)), axis=k)

    accumulated = te.compute(
        (*leading[:-1], last, padded(N, tile.channels)),
        product,
        name="accumulate",
        attrs={
            FAMILY: MATRIX_PRODUCT,
            MACS: macs or prod(leading) * K * N,
            WORKLOAD: workload,
            **tile.annotations(),
        },
    )

    def written(*index: tirx.Expr) -> tirx.Expr:
        return sums.result(accumulated[index], index, *operands)

    return te.compute((*leading, N), written, name="unpack")
