"""A depthwise convolution and the pointwise one that reads it, a few rows of both at a time."""

from __future__ import annotations

from tvm import tirx
from tvm.s_tir import SBlock, Schedule
from tvm_ffi import structural_walk

from compile.operators.annotations import FAMILY, WORKLOAD
from compile.operators.chunks import chunk_steps, lanes_read
from compile.operators.tiles import Tile
from compile.schedules import depthwise, schedule_utils
from compile.schedules.epilogue import fold_epilogue
from compile.schedules.microkernel import Nest, hold
from compile.targets import Target

DEPTHWISE_POINTWISE = "separable"
# The blocks of the depthwise convolution; those of the pointwise one keep their names.
WINDOW, WINDOWED = "window", "windowed"
# Which share of the second cache an image must take before it pays not to store it, and which of
# the first cache its rows take instead.
LEAST_SHARE, BAND_SHARE = 1 / 4, 2 / 3


def pays(pointwise: tirx.PrimFunc, image: tirx.Var, target: Target) -> bool:
    """Whether a pointwise convolution, before it is scheduled, should make the image it reads."""
    if str(image.ty.dtype) != "float32":
        return False
    found: list[SBlock] = []
    structural_walk(pointwise.body, (SBlock, found.append))
    accumulate = next(block for block in found if block.name_hint == "accumulate")
    notes = {str(key): value for key, value in accumulate.annotations.items()}
    words = (FAMILY, WORKLOAD)
    tile = Tile.of({key: int(value) for key, value in notes.items() if key not in words})
    shape = [int(edge) for edge in image.ty.shape]
    made = [int(edge) for edge in accumulate.writes[0].source.ty.shape]
    if len(shape) != 4 or made[:-1] != shape[:-1] or not tile.fuse_pixels:
        return False
    _, height, width, channels = shape
    size = height * width * channels * target.element_bytes
    whole = chunk_steps(channels, tile, target, multiple=lanes_read(channels, target) or 1)
    rows = rows_of(height, width, channels, tile, target)
    return whole == channels and size > target.l2_bytes * LEAST_SHARE and rows < height


def rows_of(height: int, width: int, channels: int, tile: Tile, target: Target) -> int:
    """How many rows of the image are made at once: whole tiles, in a share of the first cache."""
    size = width * channels * target.element_bytes
    whole = [n for n in range(1, height + 1) if height % n == 0 and n * width % tile.pixels == 0]
    fitting = [n for n in whole if n * size <= target.l1_bytes * BAND_SHARE]
    return max(fitting, default=min(whole, default=height))


def schedule(sch: Schedule, target: Target) -> None:
    """Bands of rows: first their windows, then their products."""
    accumulate = sch.get_sblock("accumulate")
    tile = Tile.of(schedule_utils.take_annotations(sch, accumulate))
    end = fold_epilogue(sch, sch.get_sblock("unpack"))
    (n, h, w, o), (k,) = schedule_utils.spatial_and_reduced(sch, accumulate)
    height, width, channels = (schedule_utils.extent(sch, loop) for loop in (h, w, k))
    bands, rows = sch.split(h, [None, rows_of(height, width, channels, tile, target)])
    far, pixels = sch.split(sch.fuse(rows, w), [None, tile.pixels])
    block, vectors, lane = sch.split(o, [None, tile.vectors, tile.lanes])
    chunks, step = sch.split(k, [None, channels])
    nest = Nest([n, bands, block, far], [chunks], [], step, [], pixels, vectors, lane)
    by_lane = lanes_read(channels, target)
    reads = sch.get_sblock("rows")
    hold(sch, accumulate, end, nest, tile, target, by_lane=by_lane, rows=reads)
    windowed, window = sch.get_sblock(WINDOWED), sch.get_sblock(WINDOW)
    sch.compute_at(windowed, bands, preserve_unit_loops=True)
    sch.compute_at(window, bands, preserve_unit_loops=True)
    depthwise.hold(
        sch, window, windowed, schedule_utils.take_annotations(sch, window), most_vectors=None
    )
