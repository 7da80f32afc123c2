"""Convolutions with a window as sums of products: dense k x k and grouped, any stride and padding.

The weights are packed by the tile that the schedule holds in registers. Groups narrower than a
vector are merged into wider ones with zeros between them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from tvm import relax, te, tirx

from compile.choices import describe
from compile.operators.annotations import (
    CHUNK,
    FAMILY,
    FIRST_EDGE,
    GROUP_BLOCKS,
    HALO,
    INPUT_BYTES_A_ROW,
    LAST_EDGE,
    MACS,
    WORKLOAD,
)
from compile.operators.chunks import chunk_sizes, lanes_read
from compile.operators.matrix_product import FUSES_WITH_NEXT
from compile.operators.multiply_accumulate import FLOATS, Sums
from compile.operators.tiles import padded, ranked_tiles
from compile.targets import MIN_LANES, Target

CONVOLUTION = "spatial"


@dataclass(frozen=True)
class Window:
    """Geometry of a two-dimensional convolution or depthwise convolution, NHWC."""

    kernel: tuple[int, int]
    strides: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[int, int, int, int]  # top, left, bottom, right

    @staticmethod
    def of(call: relax.Call, kernel: tuple[int, int]) -> Window:
        """The window of a relax.nn.conv2d call."""
        ints = {
            name: tuple(int(edge) for edge in getattr(call.attrs, name))
            for name in ("strides", "dilation", "padding")
        }
        return Window(kernel, ints["strides"], ints["dilation"], ints["padding"])  # type: ignore[arg-type]

    def needs(self, rows: int, columns: int) -> tuple[int, int]:
        """Height and width of the padded input that so many outputs read."""
        needed = [
            (count - 1) * stride + (size - 1) * step + 1
            for count, stride, size, step in zip(
                (rows, columns), self.strides, self.kernel, self.dilation, strict=True
            )
        ]
        return needed[0], needed[1]

    def inside(self, row: tirx.Expr, column: tirx.Expr, image: te.Tensor) -> list[tirx.Expr]:
        """What is asked of a place in the padded image (NHWC), for it to be in the image."""
        height, width = (int(edge) for edge in image.shape[1:3])
        top, left = self.padding[:2]
        return [row >= top, row < top + height, column >= left, column < left + width]

    def edge_tiles(self, width: int, outputs: int, pixels: int) -> tuple[int, int]:
        """Of tiles of so many `pixels` of a row, those at its ends that reach beyond it.

        They read beyond the image, which is `width` wide, or write beyond the row of `outputs`.
        """
        left, reach = self.padding[1], (self.kernel[1] - 1) * self.dilation[1]
        inside = max(0, (width - 1 + left - reach) // self.strides[1] + 1)
        first = -(-left // (self.strides[1] * pixels))
        return first, -(-outputs // pixels) - min(inside, outputs) // pixels


def bordered(
    data: te.Tensor, window: Window, height: int, width: int, channels: int, border: int = 0
) -> te.Tensor:
    """`data` (NHWC) with a `border`, cut or padded to the given size; maybe `data` itself."""
    N, H, W, C = (int(edge) for edge in data.shape)
    top, left = window.padding[:2]
    if (top, left, channels) == (0, 0, C) and height <= H and width <= W:
        return data

    def value(n: tirx.Expr, h: tirx.Expr, w: tirx.Expr, c: tirx.Expr) -> tirx.Expr:
        inside = window.inside(h, w, data)
        if channels != C:
            inside.append(c < C)
        outside = tirx.const(border, data.dtype)
        return te.if_then_else(te.all(*inside), data[n, h - top, w - left, c], outside)

    return te.compute((N, height, width, channels), value, name="border")


def bordered_planes(
    data: te.Tensor, window: Window, height: int, width: int, target: Target
) -> te.Tensor:
    """`data` (NCHW) with its zero border, each row of each plane as it lies: NHCW."""
    N, C, H, W = (int(edge) for edge in data.shape)
    top, left = window.padding[:2]

    def value(n: tirx.Expr, h: tirx.Expr, c: tirx.Expr, w: tirx.Expr) -> tirx.Expr:
        inside = te.all(h >= top, h < top + H, w >= left, w < left + W)
        zero = tirx.const(0, data.dtype)
        return te.if_then_else(inside, data[n, c, h - top, w - left], zero)

    return te.compute((N, height, C, padded(width, target.vector_lanes)), value, name="border")


def convolution(
    builder: relax.BlockBuilder,
    call: relax.Call,
    weight: np.ndarray,
    groups: int,
    target: Target,
    sums: Sums = FLOATS,
    data: relax.Expr | None = None,
) -> relax.Expr:
    """A convolution; `weight` is [kernel height, kernel width, inputs a group, outputs].

    It writes NHWC and reads NHWC, or NCHW where there is one group; `data` is what it reads, by
    default the first operand of the call. With several groups, those that `merge_groups` makes
    have whole steps of inputs.
    """
    planes = call.attrs.data_layout == "NCHW"
    N, H, W = [int(edge) for edge in call.ty.shape][:3]
    macs = N * H * W * weight.size
    weight, groups = merge_groups(weight, groups)
    weight = sums.pack(weight)
    KH, KW, inputs, outputs = weight.shape
    window = Window.of(call, (KH, KW))
    wide = outputs // groups
    workload = describe(
        "convolution",
        [N, H, W],
        (inputs * groups, outputs),
        groups=groups,
        **asdict(window),
        **sums.facts,
        float=8 * target.element_bytes,
        threads=target.threads,
    )
    choose = target.choices.of(workload)
    tiles = ranked_tiles(
        [N, H, W],
        wide,
        target,
        may_fuse=False,
        may_pad=groups == 1,
        window=KW,
        stride=window.strides[1],
    )
    tile = choose("tile", tiles)
    columns, channels = padded(W, tile.pixels), padded(wide, tile.channels) * groups
    flat = weight.reshape(KH * KW * inputs, groups, wide)
    panels = np.zeros((flat.shape[0], groups, channels // groups), weight.dtype)
    panels[:, :, :wide] = flat
    panels = panels.reshape(KH, KW, inputs, -1, tile.channels).transpose(3, 0, 2, 1, 4)
    height, width = window.needs(H, columns)
    multiple = lanes_read(inputs, target) or 1
    # Half-precision sums are kept short in another way, and stay whole here.
    whole = KH * KW == 1 or target.element_bytes < 4
    chunks = chunk_sizes(inputs, tile, target, window=KW, multiple=multiple)
    chunk = inputs if whole else choose("chunk", chunks)
    # Each group reads channels of its own, so that a copy with borders would be read but once.
    direct = sums is FLOATS and groups > 1 and chunk == inputs and multiple > 1 and not whole
    edges: dict[str, int] = {}
    if direct:
        ends = window.edge_tiles(int(call.args[0].ty.shape[2]), W, tile.pixels)
        edges = {FIRST_EDGE: ends[0], LAST_EDGE: ends[1]}

    def compute(image: te.Tensor, panel: te.Tensor, *operands: te.Tensor) -> te.Tensor:
        if planes:
            source = bordered_planes(image, window, height, width, target)
        else:
            whole = padded(int(image.shape[3]), sums.width)
            source = in_steps(bordered(image, window, height, width, whole, sums.border), sums)
        ky, kx = te.reduce_axis((0, KH), "ky"), te.reduce_axis((0, KW), "kx")
        k = te.reduce_axis((0, inputs), "k")
        (down, right), (lower, later) = window.strides, window.dilation

        def product(n: tirx.Expr, h: tirx.Expr, w: tirx.Expr, o: tirx.Expr) -> tirx.Expr:
            first = te.indexdiv(o, channels // groups) * inputs if groups > 1 else 0
            row, column = h * down + ky * lower, w * right + kx * later
            at = (first + k, column) if planes else (column, first + k)
            pixel = source[(n, row, *at)]
            if direct:
                inside = te.all(*window.inside(row, column, image))
                pixel = te.if_then_else(inside, pixel, tirx.const(0, image.dtype))
            block, lane = te.indexdiv(o, tile.channels), te.indexmod(o, tile.channels)
            product = sums.product(pixel, panel[block, ky, k, kx, lane])
            return te.sum(product, axis=[ky, kx, k])

        notes = {
            FAMILY: CONVOLUTION,
            MACS: macs,
            WORKLOAD: workload,
            CHUNK: chunk,
            HALO: (KH - 1) * window.dilation[0],
            GROUP_BLOCKS: channels // groups // tile.channels,
            INPUT_BYTES_A_ROW: target.element_bytes * width * inputs * down,
            **edges,
            **tile.annotations(),
        }
        accumulated = te.compute((N, H, columns, channels), product, name="accumulate", attrs=notes)

        def written(*index: tirx.Expr) -> tirx.Expr:
            return sums.result(accumulated[index], index, *operands)

        return te.compute((N, H, W, outputs), written, name="unpack")

    image = call.args[0] if data is None else data
    return builder.call_te(
        compute,
        image,
        relax.const(np.ascontiguousarray(panels)),
        *sums.operands(channels),
        primfunc_name_hint="convolution" if groups == 1 else "grouped_convolution",
        primfunc_attrs=FUSES_WITH_NEXT,
    )


def in_steps(data: te.Tensor, sums: Sums) -> te.Tensor:
    """An image, NHWC, as the steps of a sum read it; `data` itself where each reads one input."""
    *leading, C = (int(edge) for edge in data.shape)
    if sums is FLOATS:
        return data

    def value(*index: tirx.Expr) -> tirx.Expr:
        *at, k = index
        return sums.read(lambda offset: data[(*at, k * sums.width + offset)])

    return te.compute((*leading, C // sums.width), value, name="steps")


def merge_groups(weight: np.ndarray, groups: int) -> tuple[np.ndarray, int]:
    """Merge neighbouring groups until a group's outputs are a whole number of narrow vectors.

    The merged weights are block-diagonal. Without such a number all groups become one.
    """
    KH, KW, inputs, outputs = weight.shape
    wide = outputs // groups
    fitting = (m for m in range(1, groups + 1) if groups % m == 0 and m * wide % MIN_LANES == 0)
    merged = 1 if groups == 1 else next(fitting, groups)
    if merged == 1:
        return weight, groups
    result = np.zeros((KH, KW, inputs * merged, outputs), weight.dtype)
    for output in range(outputs):
        place = output // wide % merged
        result[:, :, place * inputs : (place + 1) * inputs, output] = weight[:, :, :, output]
    return result, groups // merged


def in_whole_steps(weight: np.ndarray, groups: int, width: int) -> bool:
    """Whether each group, once merged, has a whole number of steps of `width` inputs.

    Groups of one input have none: most of what they multiply would be zeros.
    """
    inputs = weight.shape[2]
    return inputs > 1 and merge_groups(weight, groups)[0].shape[2] % width == 0
