"""The kernels that measure a peak do what they say, so that none of it is optimised away."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tvm

from compile import targets
from compile.runtime.peak_kernels import write_microkernels


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_they_compute_sums_and_count_what_it_takes(dtype: str, tmp_path: Path) -> None:
    kernels = write_microkernels(tmp_path / "peak.so", targets.get("host"), dtype)
    module = tvm.runtime.load_module(str(tmp_path / "peak.so"))
    random = np.random.default_rng(0)
    results = []
    for kernel in kernels:
        # Small whole numbers, whose sums float16 holds exactly.
        arrays = [random.integers(0, 2, shape).astype(kind) for shape, kind in kernel.tensors]
        tensors = [tvm.runtime.tensor(array) for array in arrays]
        module[kernel.name](*tensors)
        results.append((*arrays[:-1], tensors[-1].numpy()))
    (a, b, product), (x, total) = results
    np.testing.assert_array_equal(product, np.broadcast_to(a.sum(dtype="f8") * b, product.shape))
    np.testing.assert_array_equal(total[0], x.sum(axis=0))
    arithmetic, reading = kernels
    assert arithmetic.work == 2 * a.size * product.size
    assert reading.work == x.nbytes


def test_they_are_made_for_the_phone_too(tmp_path: Path) -> None:
    write_microkernels(tmp_path / "peak.so", targets.get("arm64-a76"))
    assert (tmp_path / "peak.so").read_bytes()[18] == 183  # EM_AARCH64
