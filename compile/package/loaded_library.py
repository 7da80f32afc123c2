"""A package's library in this process, by ctypes."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from compile.runtime.aligned_array import aligned_empty
from depthbench.closing import Closing
from depthbench.errors import CheckFailed

MAX_RANK = 8
TYPES = (
    *("float32", "float16", "float64", "bool", "int8", "int16", "int32", "int64"),
    *("uint8", "uint16", "uint32", "uint64"),
)


class Port(ctypes.Structure):
    """depth_port."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("type", ctypes.c_int),
        ("rank", ctypes.c_int32),
        ("shape", ctypes.c_int64 * MAX_RANK),
        ("bytes", ctypes.c_size_t),
        ("unit", ctypes.c_char_p),
    )


class Options(ctypes.Structure):
    """depth_options."""

    _fields_ = (
        ("threads", ctypes.c_int32),
        ("cpus", ctypes.POINTER(ctypes.c_int32)),
        ("cpu_count", ctypes.c_int32),
        ("weights", ctypes.c_char_p),
    )


class Plane(ctypes.Structure):
    """depth_plane."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("bytes", ctypes.c_size_t),
        ("row_stride", ctypes.c_int32),
        ("pixel_stride", ctypes.c_int32),
    )


class Frame(ctypes.Structure):
    """depth_frame."""

    _fields_ = (
        *((name, ctypes.c_int32) for name in ("format", "width", "height", "rotation")),
        ("planes", Plane * 3),
    )


def open_library(path: Path) -> ctypes.CDLL:
    """The library with the types of its functions."""
    library = ctypes.CDLL(str(path))
    for name in ("depth_input", "depth_output"):
        getattr(library, name).restype = ctypes.POINTER(Port)
    for name in ("depth_manifest", "depth_last_error"):
        getattr(library, name).restype = ctypes.c_char_p
    library.depth_last_error.argtypes = [ctypes.c_uint64]
    library.depth_destroy.argtypes = [ctypes.c_uint64]
    library.depth_run.argtypes = [ctypes.c_uint64, *[ctypes.c_void_p] * 4]
    library.depth_run_frame.argtypes = [
        *(ctypes.c_uint64, ctypes.POINTER(Frame), ctypes.c_void_p, ctypes.c_size_t)
    ]
    library.depth_set_camera.argtypes = [ctypes.c_uint64, ctypes.c_double, ctypes.c_double]
    library.depth_last_times.argtypes = [
        *(ctypes.c_uint64, ctypes.POINTER(ctypes.c_double), ctypes.POINTER(ctypes.c_double))
    ]
    return library


class LoadedNetwork(Closing):
    """An instance of a package's network. Raises CheckFailed with the library's own reason."""

    def __init__(self, path: Path, threads: int = 0, weights: Path | None = None) -> None:
        self.library = open_library(path)
        self.handle = ctypes.c_uint64()
        options = Options(threads=threads, weights=str(weights).encode() if weights else None)
        self._succeed(self.library.depth_create(ctypes.byref(self.handle), ctypes.byref(options)))
        self.inputs = self._ports(self.library.depth_input_count(), self.library.depth_input)
        self.outputs = self._ports(self.library.depth_output_count(), self.library.depth_output)
        self._results = {
            name: aligned_empty(shape, dtype) for name, (shape, dtype) in self.outputs.items()
        }

    def close(self) -> None:
        """Destroy the instance."""
        self.library.depth_destroy(self.handle)

    @property
    def manifest(self) -> dict[str, Any]:
        """What the library says of itself."""
        found: dict[str, Any] = json.loads(self.library.depth_manifest())
        return found

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """One inference: arrays by input name to arrays by output name, which are overwritten."""
        read = [np.ascontiguousarray(inputs[name]) for name in self.inputs]
        self.run_on(read, list(self._results.values()))
        return {name: array.copy() for name, array in self._results.items()}

    def run_on(self, inputs: list[np.ndarray], outputs: list[np.ndarray]) -> None:
        """One inference on dense arrays."""
        words: list[Any] = []
        for arrays in (inputs, outputs):
            count = len(arrays)
            words.append((ctypes.c_void_p * count)(*(one.ctypes.data for one in arrays)))
            words.append((ctypes.c_size_t * count)(*(one.nbytes for one in arrays)))
        self._succeed(self.library.depth_run(self.handle, *words))

    def set_camera(self, focal_x: float, focal_y: float) -> None:
        """The focal lengths of the camera of frames to come, in their pixels."""
        self._succeed(self.library.depth_set_camera(self.handle, focal_x, focal_y))

    def run_frame(self, frame: Frame, depth: np.ndarray) -> tuple[float, float]:
        """A camera's frame into the float32 map `depth`; milliseconds of conversion and network."""
        self._succeed(
            self.library.depth_run_frame(self.handle, frame, depth.ctypes.data, depth.nbytes)
        )
        conversion, forward = ctypes.c_double(), ctypes.c_double()
        self._succeed(self.library.depth_last_times(self.handle, conversion, forward))
        return conversion.value, forward.value

    def _succeed(self, status: int) -> None:
        if status:
            why = self.library.depth_last_error(self.handle).decode()
            raise CheckFailed(f"the package's library answers {status}: {why}")

    def _ports(self, count: int, port: Any) -> dict[str, tuple[tuple[int, ...], str]]:
        found = [port(place).contents for place in range(count)]
        return {one.name.decode(): (tuple(one.shape[: one.rank]), TYPES[one.type]) for one in found}
