from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compile import targets
from compile.operators.tiles import (
    BALANCED,
    Tile,
    balance,
    choose_tile,
    lanes_for,
    padded,
    sharing_tiles,
    tiles_of_rows,
)

shapes = st.lists(st.integers(1, 70), min_size=1, max_size=3)


@given(shapes, st.integers(1, 600), st.sampled_from(targets.NAMES), st.booleans())
def test_tile_fits_registers_and_covers(
    leading: list[int], channels: int, name: str, may_fuse: bool
) -> None:
    target = targets.get(name)
    tile = choose_tile(leading, channels, target, may_fuse=may_fuse)

    assert tile.pixels * tile.vectors < target.registers
    assert 4 <= tile.lanes <= max(4, target.vector_lanes)
    assert padded(channels, tile.channels) - channels < tile.channels
    if channels % 4 and channels <= 14 * target.vector_lanes:  # all of them in one tile
        assert padded(channels, tile.channels) - channels < tile.lanes
    if tile.fuse_pixels:
        assert may_fuse
        assert math.prod(leading) % tile.pixels == 0
    else:
        assert tile.pixels <= leading[-1]


@pytest.mark.parametrize(("channels", "vectors"), [(24, 2), (56, 4), (152, 10), (220, 14)])
def test_one_tile_over_all_channels_where_they_do_not_fill_vectors(
    channels: int, vectors: int
) -> None:
    """Wide vectors, the last of them not full, beat narrow ones that divide."""
    wide = replace(targets.get("arm64-a76"), vector_lanes=16, by_lane=False)
    tile = choose_tile([1, 1], channels, wide, may_fuse=True)
    assert (tile.lanes, tile.vectors) == (16, vectors)
    assert choose_tile([1, 1], channels, wide, may_fuse=True, may_pad=False).lanes < 16


@pytest.mark.parametrize("channels", [376, 408, 440])
def test_wide_vectors_where_half_a_vector_is_left_over(channels: int) -> None:
    """The last tile reaches beyond the channels by less than what narrow vectors would cost."""
    wide = replace(targets.get("arm64-a76"), vector_lanes=16, by_lane=False)
    tile = choose_tile([1, 14, 14], channels, wide, may_fuse=True)
    assert tile.lanes == 16
    assert padded(channels, tile.channels) / channels < 1.1


@given(shapes, st.integers(1, 600), st.integers(1, 40))
def test_tiles_that_share_a_chunk_are_whole_rows(
    leading: list[int], channels: int, most: int
) -> None:
    """What lies under several tiles is a rectangle: its block is written without gaps."""
    tile = choose_tile(leading, channels, targets.get("arm64-a76"), may_fuse=True)
    count = tiles_of_rows(tile, leading, most)
    assert 1 <= count <= most
    if tile.fuse_pixels:
        covered = count * tile.pixels
        assert math.prod(leading) % covered == 0
        assert covered % leading[-1] == 0 or leading[-1] % covered == 0


@given(st.integers(1, 600))
def test_lanes_divide_unless_narrowest(channels: int) -> None:
    wide = replace(targets.get("arm64-a76"), vector_lanes=16)
    lanes = lanes_for(channels, wide)
    assert lanes == 4 or channels % lanes == 0
    assert lanes == 16 or channels % (2 * lanes)


def test_tile_survives_as_annotations() -> None:
    tile = Tile(7, 2, 16, True)
    assert Tile.of(tile.annotations()) == tile


@pytest.mark.parametrize(("leading", "channels"), [([1, 56, 56], 112), ([1, 14, 14], 256)])
def test_a76_tiles_hide_the_latency(leading: list[int], channels: int) -> None:
    """Two multiply-adds a cycle of four cycles' latency need eight accumulators in flight."""
    tile = choose_tile(leading, channels, targets.get("arm64-a76"), may_fuse=True)
    assert tile.pixels * tile.vectors >= 8


@given(shapes, st.integers(1, 600), st.integers(1, 40), st.integers(1, 40), st.integers(2, 4))
def test_tiles_that_share_a_chunk_leave_as_even_pieces_as_any(
    leading: list[int], channels: int, most: int, blocks: int, threads: int
) -> None:
    tile = choose_tile(leading, channels, targets.get("arm64-a76"), may_fuse=True)
    together = tiles_of_rows(tile, leading, most, blocks, threads)
    counts = sharing_tiles(tile, leading)
    assert together in counts
    assert together <= max(1, most)
    shares = [balance(max(counts) // n * blocks, threads) for n in counts if n <= max(1, most)]
    assert balance(max(counts) // together * blocks, threads) >= min(BALANCED, max(shares))
