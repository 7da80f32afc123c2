"""The conversion of camera frames, compiled alone, and frames in guarded memory for it."""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import compile.package
from compile.package.loaded_library import Frame, Plane
from depthbench.processes import run_program
from depthnet.card.card import Card

SOURCES = Path(compile.package.__file__).parent / "library"
# Undefined behaviour ends the process: nothing of it goes unseen.
FLAGS = ("-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-fsanitize=undefined")
TRAP = "-fsanitize-trap=undefined"
RGBA, NV21, YUV = 1, 2, 3
TYPES = {"float32": 0, "float16": 1, "float64": 2, "uint8": 8}
PLAN_BYTES = 1 << 15
GUARD = mmap.PAGESIZE

libc = ctypes.CDLL(None, use_errno=True)


class ImageInput(ctypes.Structure):
    """`image_input` of network.h."""

    _fields_ = (
        *((name, ctypes.c_int32) for name in ("input", "output", "height", "width")),
        *((name, ctypes.c_bool) for name in ("channels_last", "bgr", "bytes")),
        ("low", ctypes.c_float),
        ("high", ctypes.c_float),
        ("mean", ctypes.c_float * 3),
        ("std", ctypes.c_float * 3),
        ("interpolation", ctypes.c_char_p),
        ("antialias", ctypes.c_bool),
        ("align_corners", ctypes.c_bool),
        ("meaning", ctypes.c_char_p),
        ("scale", ctypes.c_float),
        ("shift", ctypes.c_float),
        ("clipped", ctypes.c_bool),
        ("least", ctypes.c_float),
        ("most", ctypes.c_float),
    )


@dataclass
class Memory:
    """Buffers that end where memory ends that must not be read; `close` gives them back."""

    pages: list[tuple[int, int]] = field(default_factory=list)

    def hold(self, values: NDArray[np.uint8]) -> int:
        """The address of a copy of the bytes."""
        whole = -(-values.nbytes // GUARD) * GUARD
        libc.mmap.restype = ctypes.c_void_p
        start = libc.mmap(None, ctypes.c_size_t(whole + GUARD), 3, 0x22, -1, ctypes.c_long(0))
        assert libc.mprotect(ctypes.c_void_p(start + whole), ctypes.c_size_t(GUARD), 0) == 0
        self.pages.append((start, whole + GUARD))
        place = start + whole - values.nbytes
        ctypes.memmove(place, values.ctypes.data, values.nbytes)
        return int(place)

    def close(self) -> None:
        for start, size in self.pages:
            libc.munmap(ctypes.c_void_p(start), ctypes.c_size_t(size))
        self.pages.clear()


@contextmanager
def guarded() -> Iterator[Memory]:
    """Memory of a test's frames."""
    memory = Memory()
    try:
        yield memory
    finally:
        memory.close()


def plane(memory: Memory, samples: NDArray[np.uint8], row_stride: int, pixel_stride: int) -> Plane:
    """A plane of HxWxS samples of S bytes; its last row ends with its last sample."""
    height, width, size = samples.shape
    laid = np.full(
        (height - 1) * row_stride + (width - 1) * pixel_stride + size, 0xA5, dtype=np.uint8
    )
    strides = (row_stride, pixel_stride, 1)
    np.lib.stride_tricks.as_strided(laid, samples.shape, strides)[...] = samples
    return Plane(memory.hold(laid), laid.nbytes, row_stride, pixel_stride)


def frame_of(pixel_format: int, rotation: int, width: int, height: int, *planes: Plane) -> Frame:
    """A frame as it lies in memory."""
    return Frame(pixel_format, width, height, rotation, (Plane * 3)(*planes))


def rgba_frame(
    memory: Memory, upright: NDArray[np.uint8], rotation: int = 0, padding: int = 0, apart: int = 4
) -> Frame:
    """The frame of a picture HxWx3 that a camera gives so turned, rows `padding` bytes apart."""
    laid = np.rot90(upright, k=rotation // 90)
    alpha = np.arange(laid.shape[0] * laid.shape[1], dtype=np.uint8).reshape(*laid.shape[:2], 1)
    height, width = laid.shape[:2]
    samples = np.concatenate([laid, alpha], axis=2)
    one = plane(memory, samples, width * apart + padding, apart)
    return frame_of(RGBA, rotation, width, height, one)


def input_of(card: Card, size: tuple[int, int]) -> ImageInput:
    """The card as the library takes it."""
    three = ctypes.c_float * 3
    return ImageInput(
        *(0, 0, *size),
        *(card.layout == "NHWC", card.channels == "BGR", card.values == "bytes"),
        *(*card.range, three(*card.mean), three(*card.std)),
        *(card.interpolation.encode(), card.antialias, card.align_corners),
        *(card.meaning.encode(), card.scale, card.shift),
    )


class FrameLibrary:
    """The library's conversion; a plan outlives a call, as in an instance."""

    def __init__(self, file: Path) -> None:
        self._library = ctypes.CDLL(str(file))
        self.plan = ctypes.create_string_buffer(PLAN_BYTES)
        self.image = input_of(Card(), (4, 4))

    def convert(
        self, card: Card, size: tuple[int, int], frame: Frame, dtype: str = "float32"
    ) -> NDArray:
        """The input tensor of a frame, by a new plan."""
        self.forget()
        self.image = input_of(card, size)
        return self.convert_again(card, size, frame, dtype)

    def convert_again(
        self, card: Card, size: tuple[int, int], frame: Frame, dtype: str = "float32"
    ) -> NDArray:
        """The same, by the plan that there is; card and size are those that it was made for."""
        shape = (1, 3, *size) if card.layout == "NCHW" else (1, *size, 3)
        tensor = np.full(shape, 77, dtype=dtype)
        status, problem = self.status(frame, dtype, tensor)
        assert status == 0, problem
        return tensor

    def status(
        self, frame: Frame | None, dtype: str = "float32", tensor: NDArray | None = None
    ) -> tuple[int, str]:
        """What the call returns for the card of the last conversion, and why."""
        problem = ctypes.c_char_p()
        status = self._library.frame_to_tensor(
            *(ctypes.byref(self.image), TYPES[dtype], self.plan),
            None if frame is None else ctypes.byref(frame),
            None if tensor is None else ctypes.c_void_p(tensor.ctypes.data),
            ctypes.byref(problem),
        )
        return status, (problem.value or b"").decode()

    def forget(self) -> None:
        """End the plan."""
        self._library.frame_plan_end(self.plan)


def build(folder: Path, flags: Sequence[str] = (*FLAGS, TRAP)) -> FrameLibrary:
    """Compile the conversion for this machine."""
    file = folder / "frame.so"
    sources = sorted(map(str, SOURCES.glob("frame_*.c")))
    command = [sys.executable, "-m", "ziglang", "cc", *flags, *sources, "-o", str(file)]
    run_program(command, "the conversion of frames does not compile")
    return FrameLibrary(file)
