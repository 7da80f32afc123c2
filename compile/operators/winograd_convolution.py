"""Dense convolutions of stride one by minimal filtering (Winograd), where that is faster.

The image is cut into tiles. A tile's inputs are transformed, channel by channel; at each place of a
tile all tiles are multiplied with a matrix of transformed weights; and the products are transformed
back. In tiles of 6x6 inputs a 3x3 window has 4x4 outputs, of 36 products instead of 144. A dilated
convolution is one without dilation on each of its phases. Where the dilation is so large that a
phase has one or two pixels, most of a window lies in the border, and is not multiplied at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod

import numpy as np
from tvm import relax, te, tirx

from compile.operators.annotations import FAMILY, MACS, TILE_WIDTH
from compile.operators.convolution import Window, bordered
from compile.operators.matrix_product import pack
from compile.operators.minimal_filtering import apply, matrices, within_borders
from compile.operators.tiles import Tile, choose_tile, dividing_lanes, padded
from compile.targets import Target

WINOGRAD = "winograd"
# What transforming a number takes, in multiply-adds for each input of a row of its tile.
TRANSFORM = 6
# What reading a byte of weights takes, in multiply-adds, half of it hidden behind others.
WEIGHT_BYTE = 2
# How many times as many numbers the transformed weights may be.
MOST_WEIGHTS = 4
# Below this share of the multiply-adds the detour pays.
GAIN = 0.8
# Inputs of a tile, each way. Larger ones round more: errors of some 3e-7, 1e-6, 4e-6, 4e-6 and 5e-6
# of the largest result.
SIZES = (4, 5, 6, 7, 8)


@dataclass(frozen=True)
class Tiling:
    """How an image of `height` x `width` outputs is cut into tiles of `size` inputs.

    `size`, and `taps` and `dilation` of the window, are vertical and horizontal: tiles are of one
    phase each. They are computed in `bands` of whole rows of tiles; with a vertical dilation there
    is one band. `borders` says of each way whether a tile's first and last inputs are zero.
    """

    height: int
    width: int
    taps: tuple[int, int]
    dilation: tuple[int, int]
    size: tuple[int, int]
    bands: int = 1
    borders: tuple[bool, bool] = (False, False)

    @property
    def outputs(self) -> tuple[int, int]:
        """Height and width of a tile's outputs."""
        return self.size[0] - self.taps[0] + 1, self.size[1] - self.taps[1] + 1

    @property
    def matrices(self) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """B^T, G and A^T, from top to bottom and from left to right."""
        return [
            within_borders(outputs) if zero else matrices(outputs, taps)
            for outputs, taps, zero in zip(self.outputs, self.taps, self.borders, strict=True)
        ]

    @property
    def products(self) -> tuple[int, int]:
        """Rows and columns of a tile's transform."""
        (down, _, _), (across, _, _) = self.matrices
        return len(down), len(across)

    @property
    def down(self) -> int:
        """Tiles of a phase, from top to bottom."""
        whole = -(-self.height // (self.dilation[0] * self.outputs[0]))
        return padded(whole, self.bands)

    @property
    def across(self) -> int:
        """Tiles of a phase, from left to right."""
        return -(-self.width // (self.dilation[1] * self.outputs[1]))

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Tiles of a band: phases and tiles of each, from top to bottom and from left to right."""
        return self.dilation[0], self.down // self.bands, self.dilation[1], self.across

    def origin(self, band: tirx.Expr, tile: tirx.Expr) -> tuple[tirx.Expr, tirx.Expr]:
        """Row and column of a tile's first output; the last tile is repeated."""
        place = tirx.min(tile, prod(self.shape) - 1)
        found: list[tirx.Expr] = []
        for length in reversed(self.shape):
            found = [te.indexmod(place, length), *found]
            place = te.indexdiv(place, length)
        p, r, q, c = found
        (lower, later), (high, wide) = self.dilation, self.outputs
        return (band * self.shape[1] + r) * high * lower + p, c * wide * later + q

    def number(self, p: tirx.Expr, r: tirx.Expr, q: tirx.Expr, c: tirx.Expr) -> tirx.Expr:
        """The tile at this place in its band."""
        _, down, later, across = self.shape
        return ((p * down + r) * later + q) * across + c


def choose(call: relax.Call, weight: np.ndarray, groups: int, target: Target) -> Tiling | None:
    """The tiling that makes a convolution fastest, None where it is better computed directly.

    `weight` is [kernel height, kernel width, inputs a group, outputs].
    """
    KH, KW, inputs, outputs = weight.shape
    window = Window.of(call, (KH, KW))
    if (groups, *window.strides) != (1, 1, 1) or min(KH, KW) == 1 or target.element_bytes < 4:
        return None
    if not target.may_grow:
        return None
    inputs, lanes = (
        padded(inputs, target.vector_lanes),
        dividing_lanes(outputs, target),
    )
    if lanes < target.vector_lanes:
        return None
    N, H, W = [int(edge) for edge in call.ty.shape][:3]
    best, least = None, GAIN * N * H * W * weight.size
    for size, borders in _sizes(window, H, W):
        tiling = Tiling(H, W, (KH, KW), window.dilation, size, borders=borders)
        places = prod(tiling.products)
        if places > MOST_WEIGHTS * KH * KW:
            continue
        tiling = _in_bands(tiling, inputs, outputs, target)
        tiles, count = N * tiling.bands * prod(tiling.shape), places * inputs * outputs
        weights = WEIGHT_BYTE * target.element_bytes * count
        transforms = TRANSFORM * max(size) * places * tiles * (inputs + outputs)
        cost = tiles * count + weights + transforms
        if cost < least:
            best, least = tiling, cost
    return best


def _sizes(
    window: Window, height: int, width: int
) -> Iterator[tuple[tuple[int, int], tuple[bool, bool]]]:
    """The sizes that a tile may have, and of each way whether its ends lie in the border."""
    ways: list[list[tuple[int, bool]]] = []
    for way, length in enumerate((height, width)):
        taps, step = window.kernel[way], window.dilation[way]
        pixels = -(-length // step)
        found = [(size, False) for size in SIZES if size - taps + 1 >= 2]
        around = (window.padding[way], window.padding[way + 2]) == (step, step)
        if taps == 3 and around and pixels <= 2:
            found.append((pixels + taps - 1, True))
        ways.append(found)
    for (high, top), (wide, left) in product(*ways):
        yield (high, wide), (top, left)


def _in_bands(tiling: Tiling, inputs: int, outputs: int, target: Target) -> Tiling:
    """The tiling in bands whose transforms stay in the second cache, if that moves fewer bytes.

    In bands the weights are read again for each of them.
    """
    if tiling.dilation[0] > 1:
        return tiling
    places = target.element_bytes * prod(tiling.products)
    transforms = places * prod(tiling.shape) * (inputs + outputs)
    rows = max(1, tiling.down * (target.l2_bytes // 2) // transforms)
    bands = -(-tiling.down // rows)
    spilled = 2 * transforms if bands > 1 else 0
    weights = places * inputs * outputs
    reread = (bands - 1) * weights if weights > target.l2_bytes // 2 else 0
    return replace(tiling, bands=bands) if reread < spilled else tiling


def convolution(
    builder: relax.BlockBuilder,
    call: relax.Call,
    weight: np.ndarray,
    tiling: Tiling,
    target: Target,
) -> relax.Expr:
    """A convolution, NHWC; `weight` is [kernel height, kernel width, inputs, outputs]."""
    N, H, W, outputs = [int(edge) for edge in call.ty.shape]
    macs = N * H * W * weight.size
    inputs = padded(weight.shape[2], target.vector_lanes)
    window = Window.of(call, tiling.taps)
    (B_down, _, A_down), (B_across, _, A_across) = tiling.matrices
    (tall, broad), (above, side) = tiling.size, tiling.products
    places = above * side
    tile = choose_tile([prod(tiling.shape)], outputs, target, may_fuse=False, length=inputs)
    panel = _panels(weight, inputs, tiling, tile)
    tiles, channels = padded(prod(tiling.shape), tile.pixels), panel.shape[1] * tile.channels
    (lower, later), (high, wide) = tiling.dilation, tiling.outputs
    down = tiling.shape[1]

    def number(value: float) -> tirx.Expr:
        return tirx.const(float(value), "float32")

    def compute(data: te.Tensor, packed: te.Tensor) -> te.Tensor:
        height = lower * (high * tiling.down + tiling.taps[0] - 1)
        width = later * (wide * tiling.across + tiling.taps[1] - 1)
        source = bordered(data, window, height, width, inputs)

        def below(
            n: tirx.Expr, g: tirx.Expr, t: tirx.Expr, a: tirx.Expr, j: tirx.Expr, k: tirx.Expr
        ) -> tirx.Expr:
            y, x = tiling.origin(g, t)
            column = [source[n, y + i * lower, x + j * later, k] for i in range(tall)]
            return _row_of(a, [apply(B_down, row, column, number) for row in range(above)])

        half = te.compute((N, tiling.bands, tiles, above, broad, inputs), below, name="columns")

        def beside(
            n: tirx.Expr, g: tirx.Expr, p: tirx.Expr, t: tirx.Expr, k: tirx.Expr
        ) -> tirx.Expr:
            a, b = te.indexdiv(p, side), te.indexmod(p, side)
            row = [half[n, g, t, a, j, k] for j in range(broad)]
            return _row_of(b, [apply(B_across, column, row, number) for column in range(side)])

        whole = te.compute((N, tiling.bands, places, tiles, inputs), beside, name="transform")
        k = te.reduce_axis((0, inputs), "k")

        def multiplied(
            n: tirx.Expr, g: tirx.Expr, p: tirx.Expr, t: tirx.Expr, o: tirx.Expr
        ) -> tirx.Expr:
            block, lane = te.indexdiv(o, tile.channels), te.indexmod(o, tile.channels)
            return te.sum(whole[n, g, p, t, k] * packed[p, block, k, lane], axis=k)

        notes = {
            FAMILY: WINOGRAD,
            MACS: macs,
            TILE_WIDTH: wide,
            **tile.annotations(),
        }
        shape = (N, tiling.bands, places, tiles, channels)
        accumulated = te.compute(shape, multiplied, name="accumulate", attrs=notes)
        products = te.compute(shape, lambda *i: accumulated[i], name="products")

        def back(
            n: tirx.Expr,
            g: tirx.Expr,
            p: tirx.Expr,
            r: tirx.Expr,
            q: tirx.Expr,
            c: tirx.Expr,
            u: tirx.Expr,
            b: tirx.Expr,
            o: tirx.Expr,
        ) -> tirx.Expr:
            t = tiling.number(p, r, q, c)
            column = [products[n, g, a * side + b, t, o] for a in range(above)]
            return _row_of(u, [apply(A_down, row, column, number) for row in range(high)])

        apart = (N, tiling.bands, *tiling.shape, high, side, outputs)
        rows = te.compute(apart, back, name="rows")

        def output(n: tirx.Expr, h: tirx.Expr, w: tirx.Expr, o: tirx.Expr) -> tirx.Expr:
            (p, y), (q, x) = _halves(h, lower), _halves(w, later)
            (u, r), (v, c) = _halves(y, high), _halves(x, wide)
            r, g = _halves(r, down)
            row = [rows[n, g, p, r, q, c, u, b, o] for b in range(side)]
            return _row_of(v, [apply(A_across, column, row, number) for column in range(wide)])

        return te.compute((N, H, W, outputs), output, name="unpack")

    return builder.call_te(
        compute, call.args[0], relax.const(panel), primfunc_name_hint="winograd_convolution"
    )


def _panels(weight: np.ndarray, inputs: int, tiling: Tiling, tile: Tile) -> np.ndarray:
    """Transformed weights, [places, blocks, inputs, channels of a block]."""
    (_, down, _), (_, across, _) = tiling.matrices
    transform = np.kron(down, across)
    *_, fewer, outputs = weight.shape
    taps = weight.reshape(-1, fewer, outputs)
    result = np.zeros((len(transform), inputs, outputs), weight.dtype)
    for k in range(fewer):  # all of them at once, in double precision, take gigabytes
        result[:, k] = transform @ taps[:, k].astype(np.float64)
    return np.stack([pack(one, tile) for one in result])


def _halves(index: tirx.Expr, length: int) -> tuple[tirx.Expr, tirx.Expr]:
    """The place within a stretch of this length, and the number of the stretch."""
    return te.indexmod(index, length), te.indexdiv(index, length)


def _row_of(index: tirx.Expr, values: Sequence[tirx.Expr]) -> tirx.Expr:
    """The value at an index that becomes a number once its loop is unrolled."""
    *others, result = values
    for number, value in reversed(list(enumerate(others))):
        result = tirx.Select(index == number, value, result)
    return result
