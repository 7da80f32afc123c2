"""The library of packages around a network of one kernel in C, which takes no compiling by TVM."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from compile.package.loaded_library import Frame
from compile.package.record_data import record_data_source
from depthbench.processes import run_program
from tests.compile.package.frame_library import SOURCES

HERE = Path(__file__).parent
SIZE = (6, 8)
PLANE = SIZE[0] * SIZE[1]
FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", f"-I{SOURCES}")
IDENTITY = {
    "name": 'a "stub"?',
    "source": {"sha256": "5" * 64},
    "card": {"meaning": "metres", "preset": "a\\b"},
    "artefact_sha256": "a" * 64,
    "target": {"name": "host"},
    "precision": "fp32",
    "tools": {"apache-tvm": "0.27.0"},
}


def expected() -> np.ndarray:
    """The network's output for zeros."""
    return (np.arange(PLANE, dtype=np.float32) / PLANE + 1).reshape(1, 1, *SIZE)


def build(
    folder: Path,
    words: Sequence[str] = ("-shared", "-fPIC"),
    more: Sequence[Path] = (),
    values: np.ndarray | None = None,
) -> Path:
    """Compile the library, or a program with it; `values` are said to be right for zeros."""
    data = folder / "record_data.c"
    reference = expected() if values is None else values
    memory = {"weights_bytes": 0, "activations_bytes": 64}
    data.write_text(record_data_source(IDENTITY, [reference], 1e-4, 1234, memory))
    made = folder / "stub"
    sources = map(str, [*sorted(SOURCES.glob("*.c")), HERE / "stub_network.c", data, *more])
    command = [sys.executable, "-m", "ziglang", "cc", *FLAGS, *words, *sources, "-o", str(made)]
    run_program(command, "the library does not compile")
    return made


class StubNetwork:
    """An instance of the stub's network."""

    def __init__(self, file: Path) -> None:
        self.library = ctypes.CDLL(str(file))
        self.library.depth_last_error.restype = ctypes.c_char_p
        self.handle = ctypes.c_uint64()
        assert self.library.depth_create(ctypes.byref(self.handle), None) == 0

    def close(self) -> None:
        self.library.depth_destroy(self.handle)

    def set_camera(self, focal_x: float, focal_y: float) -> int:
        """The status."""
        focal = ctypes.c_double(focal_x), ctypes.c_double(focal_y)
        return int(self.library.depth_set_camera(self.handle, *focal))

    @property
    def error(self) -> str:
        return str(self.library.depth_last_error(self.handle).decode())

    def run_frame(self, frame: Frame, count: int = PLANE) -> tuple[int, np.ndarray]:
        """The status, and a map of `count` numbers."""
        depth = np.zeros(count, np.float32)
        place = ctypes.c_void_p(depth.ctypes.data)
        size = ctypes.c_size_t(depth.nbytes)
        return self.library.depth_run_frame(self.handle, ctypes.byref(frame), place, size), depth

    def benchmark(self, warm_up: int, runs: int) -> tuple[int, np.ndarray]:
        """The status, and the milliseconds of each run."""
        times = np.full(max(runs, 1), np.nan)
        place = ctypes.c_void_p(times.ctypes.data)
        return self.library.depth_benchmark(self.handle, warm_up, runs, place), times

    def record(self, warm_up: int, times: np.ndarray, capacity: int) -> tuple[int, str, int]:
        """The status, the record, and how long it is."""
        text, length = ctypes.create_string_buffer(max(capacity, 1)), ctypes.c_size_t()
        status = self.library.depth_benchmark_record(
            *(self.handle, warm_up, len(times), ctypes.c_void_p(times.ctypes.data)),
            *(text, ctypes.c_size_t(capacity), ctypes.byref(length)),
        )
        return status, text.value.decode(), length.value
