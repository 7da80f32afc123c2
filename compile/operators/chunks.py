"""How many steps of a sum share a piece of the weights that stays in the first cache."""

from __future__ import annotations

from compile.choices import around_default
from compile.operators.tiles import L1_SHARE, Tile, dividing_lanes
from compile.targets import Target

# A chunk of fewer steps reads and writes its sums more often than it is worth.
MIN_CHUNK = 16


# Quads of bytes that half a register holds.
_HALF_REGISTER = 2


def lanes_read(length: int, target: Target, *, quads: bool = False) -> int:
    """How many steps of the first operand, along memory, are loaded as one register, or zero.

    Where no register's lanes divide `length`, `quads` of bytes are loaded as half of one: a load
    that fills all lanes with one number takes the ports that multiply.
    """
    if not target.by_lane:
        return 0
    halves = _HALF_REGISTER if quads and length % _HALF_REGISTER == 0 else 0
    return dividing_lanes(length, target) or halves


def chunk_steps(length: int, tile: Tile, target: Target, **limits: int) -> int:
    """How many of `length` steps fill the first cache's share for weights."""
    return chunk_sizes(length, tile, target, **limits)[0]


def chunk_sizes(
    length: int, tile: Tile, target: Target, *, window: int = 1, multiple: int = 1
) -> list[int]:
    """The numbers of steps that a chunk may have, first the one that fills the first cache's share.

    They divide `length`, in multiples of `multiple`; each step is over a `window`.
    """
    bytes_a_step = window * tile.channels * target.element_bytes
    most = int(target.l1_bytes * L1_SHARE) // bytes_a_step
    divisors = [n for n in range(multiple, length + 1, multiple) if length % n == 0]
    default = max((n for n in divisors if n <= most), default=length)
    return around_default(default, [n for n in divisors if n >= min(MIN_CHUNK, default)])


def most_tiles(tile: Tile, target: Target) -> int:
    """How many tiles' sums may wait in the second cache while a chunk is multiplied."""
    return max(1, target.l2_bytes // 8 // (tile.pixels * tile.channels * target.element_bytes))
