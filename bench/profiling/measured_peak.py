"""Measured peak of a device: multiply-adds, and bytes from memory, a second."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from android_rpc.session import Session
    from compile.runtime.peak_kernels import Microkernel

SAMPLES = 30
Seconds = Callable[["Microkernel"], list[float]]


@dataclass(frozen=True)
class Peak:
    """The best that was measured, on all threads together.

    Arithmetic is that of `dtype`, two operations a multiply-add. `gbytes_s` is None under
    emulation, which has no memory of its own.
    """

    dtype: str
    gflops: float
    gbytes_s: float | None


def arithmetic_of(precision: str) -> str:
    """The type whose peak a precision is held against; float32 for int8, whose floats it is."""
    return "float16" if precision == "fp16" else "float32"


def peak_here(dtype: str = "float32", threads: int = 1) -> Peak:
    """Measure this machine, in CPU time: what else it does leaves that alone."""
    import numpy as np
    import tvm

    with tempfile.TemporaryDirectory(prefix="depthbench-peak-") as folder:
        library, kernels = _written(Path(folder), "host", dtype)
        module = tvm.runtime.load_module(str(library))

        def seconds(kernel: Microkernel) -> list[float]:
            tensors = [tvm.runtime.tensor(np.ones(*one)) for one in kernel.tensors]
            return [_cpu_seconds(lambda: module[kernel.name](*tensors)) for _ in range(SAMPLES)]

        return _peak(kernels, seconds, dtype, threads, emulated=False)


def peak_on(
    session: Session, target: str, dtype: str = "float32", *, threads: int = 1, emulated: bool
) -> Peak:
    """Measure the device of a session, which runs code of `target`."""
    with tempfile.TemporaryDirectory(prefix="depthbench-peak-") as folder:
        library, kernels = _written(Path(folder), target, dtype)
        loaded = session.load_kernels(library)

        def seconds(kernel: Microkernel) -> list[float]:
            return loaded.samples(kernel.name, kernel.tensors, 3 if emulated else SAMPLES, 0)

        return _peak(kernels, seconds, dtype, threads, emulated)


def _cpu_seconds(run: Callable[[], object]) -> float:
    begin = time.thread_time()
    run()
    return time.thread_time() - begin


def _written(folder: Path, target: str, dtype: str) -> tuple[Path, tuple[Microkernel, Microkernel]]:
    from compile import targets
    from compile.runtime.peak_kernels import write_microkernels

    library = folder / "peak.so"
    return library, write_microkernels(library, targets.get(target), dtype)


def _peak(
    kernels: tuple[Microkernel, Microkernel],
    seconds: Seconds,
    dtype: str,
    threads: int,
    emulated: bool,
) -> Peak:
    arithmetic, reading = kernels
    gflops = threads * arithmetic.work / min(seconds(arithmetic)) / 1e9
    return Peak(dtype, gflops, None if emulated else reading.work / min(seconds(reading)) / 1e9)
