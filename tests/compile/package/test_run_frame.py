"""A frame through a network: its map is that of the tensor that the Python path makes."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import numpy as np
import pytest

from depthnet.card.card import Card
from depthnet.card.image_input import to_input
from tests.compile.package.frame_library import guarded, rgba_frame
from tests.compile.package.stub_package import PLANE, SIZE, StubNetwork, build, expected

CARD = Card(mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
BAD_ARGUMENT, BAD_BUFFER, NO_IMAGE = 1, 3, 8


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StubNetwork]:
    made = StubNetwork(build(tmp_path_factory.mktemp("stub")))
    yield made
    made.close()


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_the_map_is_upright_and_in_the_cards_unit(network: StubNetwork, rotation: int) -> None:
    picture = np.random.default_rng(rotation).integers(0, 256, (31, 20, 3), dtype=np.uint8)
    with guarded() as memory:
        status, depth = network.run_frame(rgba_frame(memory, picture, rotation))
    image = to_input(picture, SIZE, CARD)[0]
    assert status == 0, network.error
    wanted = (image.sum(axis=0) + expected()[0, 0]) * 2 + 0.5
    np.testing.assert_allclose(depth.reshape(SIZE), wanted, rtol=1e-5, atol=1e-5)


def test_the_map_is_clipped_as_the_card_says(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("clipped")
    network = StubNetwork(build(folder, ("-shared", "-fPIC", "-DWITH_CLIP")))
    picture = np.random.default_rng(0).integers(110, 146, (31, 20, 3), dtype=np.uint8)
    with guarded() as memory:
        status, depth = network.run_frame(rgba_frame(memory, picture, 0))
    network.close()
    assert status == 0
    image = to_input(picture, SIZE, CARD)[0]
    unclipped = (image.sum(axis=0) + expected()[0, 0]) * 2 + 0.5
    assert unclipped.min() < 2.6 < 3.25 < unclipped.max()
    wanted = np.clip(unclipped, 2.6, 3.25)
    np.testing.assert_allclose(depth.reshape(SIZE), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("inverse", [False, True])
def test_depth_grows_with_the_cameras_focal_length(
    tmp_path_factory: pytest.TempPathFactory, inverse: bool
) -> None:
    folder = tmp_path_factory.mktemp("focal")
    flags = ("-shared", "-fPIC", f"-DINVERSE={int(inverse)}")
    network = StubNetwork(build(folder, flags))
    picture = np.random.default_rng(0).integers(0, 256, (30, 20, 3), dtype=np.uint8)

    def depth(focal: tuple[float, float], rotation: int = 0) -> np.ndarray:
        assert network.set_camera(*focal) == 0
        with guarded() as memory:
            status, found = network.run_frame(rgba_frame(memory, picture, rotation))
        assert status == 0
        return 1 / found if inverse else found

    unknown = depth((0, 0))
    for rotation in (0, 90):  # `picture` is upright: at 90 it lies in memory as 30 x 20
        factor = np.sqrt(40 * 50 / (30 * 20)) / 1.25
        found = depth((40, 50), rotation)
        np.testing.assert_allclose(found, factor * unknown, rtol=1e-5)
    np.testing.assert_array_equal(depth((0, 0)), unknown)
    for wrong in ((0, 40), (-1, 40), (np.nan, 1), (np.inf, 1)):
        assert network.set_camera(*wrong) == BAD_ARGUMENT
        assert "focal lengths" in network.error
    np.testing.assert_array_equal(depth((0, 0)), unknown)
    network.close()


def test_a_network_without_a_focal_length_gives_what_it_gives(network: StubNetwork) -> None:
    with guarded() as memory:
        frame = rgba_frame(memory, np.full((9, 9, 3), 99, np.uint8))
        before = network.run_frame(frame)[1]
        assert network.set_camera(40, 40) == 0
        np.testing.assert_array_equal(network.run_frame(frame)[1], before)
        assert network.set_camera(0, 0) == 0


def test_it_tells_what_conversion_and_network_took(network: StubNetwork) -> None:
    with guarded() as memory:
        network.run_frame(rgba_frame(memory, np.zeros((9, 9, 3), np.uint8)))
    conversion, forward = ctypes.c_double(-1), ctypes.c_double(-1)
    given = network.handle, ctypes.byref(conversion), ctypes.byref(forward)
    assert network.library.depth_last_times(*given) == 0
    assert conversion.value > 0
    assert forward.value >= 0
    assert network.library.depth_last_times(network.handle, None, None) == BAD_ARGUMENT


def test_a_short_map_and_a_frame_that_is_none_are_refused(network: StubNetwork) -> None:
    with guarded() as memory:
        frame = rgba_frame(memory, np.zeros((9, 9, 3), np.uint8))
        assert network.run_frame(frame, PLANE - 1)[0] == BAD_BUFFER
        assert network.error == "the map has 188 bytes and needs 192"
        frame.rotation = 1
        assert network.run_frame(frame)[0] == BAD_ARGUMENT
        assert network.error == "the frame's rotation is not 0, 90, 180 or 270"


def test_a_network_that_takes_no_image_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("no_image")
    network = StubNetwork(build(folder, ("-shared", "-fPIC", "-DNO_IMAGE")))
    with guarded() as memory:
        frame = rgba_frame(memory, np.zeros((9, 9, 3), np.uint8))
        assert network.run_frame(frame)[0] == NO_IMAGE
    assert network.library.depth_last_times(network.handle, None, None) == BAD_ARGUMENT
    times = ctypes.c_double(), ctypes.c_double()
    assert network.library.depth_last_times(network.handle, *map(ctypes.byref, times)) == NO_IMAGE
    network.close()
