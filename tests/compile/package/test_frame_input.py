"""A camera's frame becomes the tensor that the Python path makes of the same picture."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from depthnet.card.card import Card
from depthnet.card.image_input import to_input
from tests.compile.package.frame_library import (
    NV21,
    RGBA,
    YUV,
    FrameLibrary,
    build,
    frame_of,
    guarded,
    plane,
    rgba_frame,
)

RAW = Card(values="bytes", range=(0.0, 255.0), layout="NHWC")
BAD_ARGUMENT, BAD_BUFFER = 1, 3
LEVELS_FROM_TORCH = 0.02
"""A position of a few hundred pixels has so many bits as float32, which torch fuses or not."""
ROTATIONS = (0, 90, 180, 270)

EDGES = st.one_of(st.integers(1, 70), st.integers(200, 260))
SIZES = st.tuples(EDGES, EDGES)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> FrameLibrary:
    return build(tmp_path_factory.mktemp("frame"))


@st.composite
def cards(draw: st.DrawFn, antialias: bool) -> Card:
    names = ("nearest", "bilinear", "bicubic", *(("lanczos",) if antialias else ()))
    fields: dict[str, Any] = {
        "layout": draw(st.sampled_from(("NCHW", "NHWC"))),
        "channels": draw(st.sampled_from(("RGB", "BGR"))),
        "interpolation": draw(st.sampled_from(names)),
        "antialias": antialias,
        "align_corners": not antialias and draw(st.booleans()),
    }
    if draw(st.booleans()):
        return Card(**fields, values="bytes", range=(0.0, 255.0))
    return Card(**fields, range=(-1.0, 1.0), mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


def picture(size: tuple[int, int], seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def dtype_of(card: Card, floats: str) -> str:
    return "uint8" if card.values == "bytes" else floats


@settings(max_examples=150)
@given(
    card=cards(antialias=True),
    frame_size=SIZES,
    size=SIZES,
    rotation=st.sampled_from(ROTATIONS),
    floats=st.sampled_from(("float32", "float16", "float64")),
    padding=st.integers(0, 9),
    apart=st.sampled_from((4, 4, 5)),
    seed=st.integers(0, 99),
)
def test_rgba_is_the_python_paths_tensor_bit_for_bit(
    library: FrameLibrary,
    card: Card,
    frame_size: tuple[int, int],
    size: tuple[int, int],
    rotation: int,
    floats: str,
    padding: int,
    apart: int,
    seed: int,
) -> None:
    upright, dtype = picture(frame_size, seed), dtype_of(card, floats)
    with guarded() as memory:
        frame = rgba_frame(memory, upright, rotation, padding, apart)
        tensor = library.convert(card, size, frame, dtype)
    np.testing.assert_array_equal(tensor, to_input(upright, size, card, dtype))


@settings(max_examples=60)
@given(
    card=cards(antialias=False),
    frame_size=SIZES,
    size=SIZES,
    rotation=st.sampled_from(ROTATIONS),
    seed=st.integers(0, 99),
)
def test_without_antialiasing_it_is_torchs_within_a_fiftieth_of_a_level(
    library: FrameLibrary,
    card: Card,
    frame_size: tuple[int, int],
    size: tuple[int, int],
    rotation: int,
    seed: int,
) -> None:
    """Bytes may be one apart, and only where a level is halfway between two."""
    upright, dtype = picture(frame_size, seed), dtype_of(card, "float32")
    with guarded() as memory:
        tensor = library.convert(card, size, rgba_frame(memory, upright, rotation), dtype)
    expected = to_input(upright, size, card, dtype)
    level = 1.0 if dtype == "uint8" else LEVELS_FROM_TORCH * 2 / 255 / 0.224
    np.testing.assert_allclose(tensor.astype(float), expected.astype(float), rtol=0, atol=level)
    if dtype == "uint8":
        floats = card.model_copy(update={"values": "floats"})
        levels = to_input(upright, size, floats, "float32")[tensor != expected]
        assert (abs(levels % 1 - 0.5) <= LEVELS_FROM_TORCH).all()


def yuv_planes(
    size: tuple[int, int], seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Y of HxW, U and V of half."""
    rng = np.random.default_rng(seed)
    height, width = size
    y = rng.integers(0, 256, (height, width, 1), dtype=np.uint8)
    u, v = rng.integers(0, 256, (2, height // 2, width // 2, 1), dtype=np.uint8)
    return y, u, v


def as_rgb(y: NDArray, u: NDArray, v: NDArray) -> NDArray[np.uint8]:
    """The same by Pillow, as JFIF has it."""
    whole = [np.repeat(np.repeat(half, 2, axis=0), 2, axis=1) for half in (u, v)]
    ycc = np.concatenate([y, *whole], axis=2)
    return np.asarray(Image.fromarray(ycc, "YCbCr").convert("RGB"))


@settings(max_examples=60)
@given(
    halves=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    rotation=st.sampled_from(ROTATIONS),
    pixel_format=st.sampled_from((NV21, YUV)),
    padding=st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(0, 7)),
    strides=st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(1, 3)),
    seed=st.integers(0, 99),
)
def test_yuv_is_jfifs_within_a_level(
    library: FrameLibrary,
    halves: tuple[int, int],
    rotation: int,
    pixel_format: int,
    padding: tuple[int, int, int],
    strides: tuple[int, int, int],
    seed: int,
) -> None:
    """Beside Pillow's, whose tables have six bits of fraction."""
    height, width = 2 * halves[0], 2 * halves[1]
    y, u, v = yuv_planes((height, width), seed)
    with guarded() as memory:
        if pixel_format == NV21:
            vu = np.concatenate([v, u], axis=2)
            planes = [
                plane(memory, y, width + padding[0], 1),
                plane(memory, vu, width + padding[1], 2),
            ]
        else:
            planes = [
                plane(memory, part, part.shape[1] * apart + gap, apart)
                for part, apart, gap in zip((y, u, v), strides, padding, strict=True)
            ]
        frame = frame_of(pixel_format, rotation, width, height, *planes)
        turned = (width, height) if rotation in (90, 270) else (height, width)
        levels = library.convert(RAW, turned, frame, "uint8")[0]
        half = library.convert(RAW, (13, 9), frame, "uint8")
    expected = np.rot90(as_rgb(y, u, v), k=-rotation // 90)
    assert np.abs(levels.astype(int) - expected.astype(int)).max() <= 1
    # resized as the same picture in RGBA
    np.testing.assert_array_equal(half, to_input(levels, (13, 9), RAW, "uint8"))


def test_yuv_is_opencvs_within_a_level(library: FrameLibrary) -> None:
    """OpenCV's NV21 is of the limited range; its YCrCb is JFIF's."""
    y, u, v = yuv_planes((48, 64), 3)
    whole = [np.repeat(np.repeat(half, 2, axis=0), 2, axis=1) for half in (v, u)]
    expected = cv2.cvtColor(np.concatenate([y, *whole], axis=2), cv2.COLOR_YCrCb2RGB)
    with guarded() as memory:
        planes = [plane(memory, part, part.shape[1], 1) for part in (y, u, v)]
        levels = library.convert(RAW, (48, 64), frame_of(YUV, 0, 64, 48, *planes), "uint8")[0]
    assert np.abs(levels.astype(int) - expected.astype(int)).max() <= 1


@settings(max_examples=80)
@given(
    size=SIZES,
    pixel_format=st.sampled_from((RGBA, NV21, YUV)),
    which=st.integers(0, 2),
    missing=st.integers(1, 9),
)
def test_a_short_plane_is_refused_unread(
    library: FrameLibrary,
    size: tuple[int, int],
    pixel_format: int,
    which: int,
    missing: int,
) -> None:
    """The address is of no memory: reading it would end the test."""
    height, width = (2 * edge for edge in size)
    rows = {RGBA: [(height, width, 4)], NV21: [(height, width, 1), (height // 2, width // 2, 2)]}
    shapes = rows.get(pixel_format, [(height, width, 1), *[(height // 2, width // 2, 1)] * 2])
    frame = frame_of(pixel_format, 90, width, height)
    for place, (high, wide, bytes_each) in enumerate(shapes):
        part = frame.planes[place]
        part.data, part.row_stride, part.pixel_stride = 16, wide * bytes_each, bytes_each
        part.bytes = high * wide * bytes_each
    short = frame.planes[which % len(shapes)]
    short.bytes = max(short.bytes - missing, 0)
    status, problem = library.status(frame)
    assert (status, problem) == (
        BAD_BUFFER,
        "a plane of the frame is shorter than its size and strides say",
    )


WRONG = {
    "the frame's format is unknown": {"format": 4},
    "the frame's edges are not 1 to 16384": {"width": 16385},
    "the frame's rotation is not 0, 90, 180 or 270": {"rotation": 45},
    "a plane of the frame is null": {"data": None},
    "a plane's pixel_stride is less than a sample": {"pixel_stride": 3},
    "a plane's row_stride is less than a row": {"row_stride": -32},
    "a frame of NV21 or YUV_420_888 has an odd edge": {"format": YUV, "height": 7},
}


@pytest.mark.parametrize(("problem", "change"), WRONG.items())
def test_a_frame_that_is_none_is_refused(
    library: FrameLibrary, problem: str, change: dict[str, Any]
) -> None:
    with guarded() as memory:
        frame = rgba_frame(memory, picture((6, 8), 1))
        for name, value in change.items():
            setattr(frame if hasattr(frame, name) else frame.planes[0], name, value)
        assert library.status(frame) == (BAD_ARGUMENT, problem)


def test_no_frame_is_refused(library: FrameLibrary) -> None:
    assert library.status(None) == (BAD_ARGUMENT, "the frame is null")


def test_a_frame_of_the_same_size_needs_no_memory(library: FrameLibrary) -> None:
    """The plan, its mapping among it, stays as it is; another size makes another."""
    card, size = Card(), (31, 17)
    with guarded() as memory:
        library.convert(card, size, rgba_frame(memory, picture((40, 30), 1)))
        plan = library.plan.raw
        again = library.convert_again(card, size, rgba_frame(memory, picture((40, 30), 2)))
        kept = library.plan.raw
        library.convert_again(card, size, rgba_frame(memory, picture((40, 31), 2)))
        other = library.plan.raw
    np.testing.assert_array_equal(again, to_input(picture((40, 30), 2), size, card))
    assert kept == plan != other
    library.forget()
    assert not any(library.plan.raw)
