"""How much of a contraction's output is held in registers at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from compile.targets import MIN_LANES, Target

# Annotations of a block: its tile.
PIXELS, VECTORS, LANES = "compile.pixels", "compile.vectors", "compile.lanes"
FUSE_PIXELS = "compile.fuse_pixels"
MAX_PIXELS = 28
MAX_VECTORS = 8
# A tile over all channels, some of its last vector unused.
MAX_PADDED_VECTORS = 14
# NEON reads halves by lane from so many registers only; in them lie two steps of each pixel.
LANE_READ_HALVES = 16
# What of the first cache one panel of weights may take.
L1_SHARE = 2 / 3
# Work should divide well between threads: they work for this share of the time.
BALANCED = 0.96


@dataclass(frozen=True)
class Tile:
    """`pixels` rows of `vectors` registers of `lanes` elements each are accumulated at once.

    `fuse_pixels` says that all leading axes run as one; otherwise only the last one is tiled and
    its end may be padded up to a whole number of tiles.
    """

    pixels: int
    vectors: int
    lanes: int
    fuse_pixels: bool

    def __str__(self) -> str:
        fused = " of fused rows" if self.fuse_pixels else ""
        return f"{self.pixels}x{self.vectors}x{self.lanes}{fused}"

    @property
    def channels(self) -> int:
        """Output channels of one tile."""
        return self.vectors * self.lanes

    def annotations(self) -> dict[str, int]:
        """The tile as block annotations, which survive fusion."""
        return {
            PIXELS: self.pixels,
            VECTORS: self.vectors,
            LANES: self.lanes,
            FUSE_PIXELS: int(self.fuse_pixels),
        }

    @staticmethod
    def of(annotations: dict[str, int]) -> Tile:
        """The tile that `annotations` was called on."""
        return Tile(
            annotations[PIXELS],
            annotations[VECTORS],
            annotations[LANES],
            bool(annotations[FUSE_PIXELS]),
        )


def lanes_for(channels: int, target: Target) -> int:
    """The widest power of two that divides `channels` and fits a vector, at least MIN_LANES."""
    lanes = target.vector_lanes
    while lanes > MIN_LANES and channels % lanes:
        lanes //= 2
    return lanes


def dividing_lanes(length: int, target: Target) -> int:
    """The widest vector that divides `length`, zero where not even the narrowest does."""
    lanes = target.vector_lanes
    while lanes > MIN_LANES and length % lanes:
        lanes //= 2
    return 0 if length % lanes else lanes


def choose_tile(leading: Sequence[int], channels: int, target: Target, **geometry: Any) -> Tile:
    """The tile with the lowest estimated cycles, of all that `ranked_tiles` gives."""
    return ranked_tiles(leading, channels, target, **geometry)[0]


def ranked_tiles(
    leading: Sequence[int],
    channels: int,
    target: Target,
    *,
    may_fuse: bool,
    may_pad: bool = True,
    length: int = 0,
    window: int = 1,
    stride: int = 1,
) -> list[Tile]:
    """The tiles that fit the registers, for an output of shape `leading` + [channels].

    They are in the order of their estimated cycles, the fewest first.
    The estimate of one step of the reduction is the larger of what the multiply-adds, the loads
    and the latency of a dependent chain allow, times the share of padded work. Where `may_pad`,
    the last tile may reach beyond the channels, and its last vector need not be full. With `length`
    steps, weights that the first cache cannot hold are taken in chunks, and the sums stored between
    them.
    Along a row, each pixel reads `window` neighbours, the next one `stride` further on.
    """
    last, total = leading[-1], prod(leading)
    found: list[tuple[float, Tile]] = []
    best = 0
    for lanes, vectors in _widths(channels, target, may_pad):
        width = padded(channels, lanes * vectors) / channels
        for pixels in range(1, MAX_PIXELS + 1):
            columns = (pixels - 1) * min(stride, window) + window
            if not _fits(pixels, vectors, columns, window, target):
                continue
            fuse = may_fuse and _tiles_rows(pixels, leading)
            if not fuse and pixels > last:
                continue
            computed = total if fuse else total // last * (-(-last // pixels) * pixels)
            cost = _cycles(pixels, vectors, lanes, columns / window, target)
            chunk = target.l1_bytes * L1_SHARE // (vectors * lanes * target.element_bytes)
            if length > chunk:
                cost += 2 / (lanes * chunk)
            cost *= computed / total * width
            pieces = padded(channels, lanes * vectors) // (lanes * vectors) * computed // pixels
            cost /= balance(pieces, target.threads)
            if found and cost < found[best][0] - 1e-9:
                best = len(found)
            found.append((cost, Tile(pixels, vectors, lanes, fuse)))
    first = found.pop(best)[1]  # one pixel and one vector always fit
    return [first, *(tile for _, tile in sorted(found, key=lambda one: one[0]))]


def _widths(channels: int, target: Target, may_pad: bool) -> list[tuple[int, int]]:
    """Lanes and vectors of the tiles that channels can be divided into."""
    whole = lanes_for(channels, target)
    blocks = -(-channels // whole)
    widths = [(whole, n) for n in range(1, MAX_VECTORS + 1) if blocks % n == 0]
    if not may_pad:
        return widths
    lanes = target.vector_lanes
    # Few channels that no vector divides are one tile; of many only the last tile's are left over.
    if channels % MIN_LANES == 0 or channels > lanes * MAX_PADDED_VECTORS:
        fitting = range(1, min(MAX_VECTORS, -(-channels // lanes)) + 1)
        widths += [(lanes, n) for n in fitting if (lanes, n) not in widths]
    while lanes > whole:
        if channels <= lanes * MAX_PADDED_VECTORS:
            widths.append((lanes, -(-channels // lanes)))
        lanes //= 2
    return list(dict.fromkeys(widths))


def _fits(pixels: int, vectors: int, columns: int, window: int, target: Target) -> bool:
    held = pixels * vectors
    if target.by_lane:
        if target.element_bytes == 2 and window == 1 and 2 * pixels > LANE_READ_HALVES:
            return False
        return held + columns + min(vectors, 2) < target.registers
    if window > 1:  # the compiler keeps pixels and weights for all of the window
        return held + pixels + vectors * window <= target.registers
    return held + (vectors if vectors > 1 else 1) < target.registers


def tiles_of_rows(
    tile: Tile, leading: Sequence[int], most: int, blocks: int = 1, threads: int = 1
) -> int:
    """How many tiles, at most `most`, together are a rectangle that divides the leading axes.

    As many as leave, with so many `blocks` of channels, pieces that divide between threads: whole
    rectangles where these do, since a thread then finds what it has made itself.
    """
    counts = sharing_tiles(tile, leading)
    pieces = {n: max(counts) // n for n in counts if n <= max(1, most)}
    apart = [n for n, count in pieces.items() if count % threads == 0]
    if apart:
        return max(apart)
    share = {n: balance(count * blocks, threads) for n, count in pieces.items()}
    return max(pieces, key=lambda n: (min(share[n], BALANCED), n))


def balance(pieces: int, threads: int) -> float:
    """The share of their time that threads work which divide so many equal pieces."""
    return pieces / (threads * -(-pieces // threads))


def sharing_tiles(tile: Tile, leading: Sequence[int]) -> list[int]:
    """The numbers of tiles that together are a rectangle that divides the leading axes."""
    if not tile.fuse_pixels:
        count = leading[-1] // tile.pixels
        return [n for n in range(1, count + 1) if count % n == 0]
    count = prod(leading) // tile.pixels
    divisors = (n for n in range(1, count + 1) if count % n == 0)
    return [n for n in divisors if _tiles_rows(n * tile.pixels, leading)]


def _tiles_rows(pixels: int, leading: Sequence[int]) -> bool:
    """Whether tiles of the fused leading axes are rectangles of whole rows or parts of one."""
    last = leading[-1]
    if last % pixels == 0:
        return True
    above = leading[-2] if len(leading) > 1 else 1
    return pixels % last == 0 and above % (pixels // last) == 0


def _cycles(pixels: int, vectors: int, lanes: int, columns: float, target: Target) -> float:
    """Estimated cycles an element of output and step of the reduction.

    A step reads so many `columns` of pixels, on average over a window.
    """
    held = pixels * vectors
    arithmetic = held / target.fma_per_cycle
    # By lane, as many steps as it has lanes share one load of each pixel's vector.
    loads = (columns / (target.vector_lanes if target.by_lane else 1) + vectors) / 2
    chain = target.fma_latency if held < target.fma_latency * target.fma_per_cycle else 0
    return (max(arithmetic, loads, chain) + 0.02 * (pixels + vectors)) / (held * lanes)


def padded(number: int, multiple: int) -> int:
    """`number` rounded up to a multiple."""
    return -(-number // multiple) * multiple
