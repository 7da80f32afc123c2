from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from depthbench.errors import InputError
from depthnet.data.matlab5 import read_arrays

TYPES = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]


@settings(max_examples=60, deadline=None)
@given(data=st.data(), kind=st.sampled_from(TYPES), packed=st.booleans())
def test_arrays_are_those_that_scipy_wrote(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, kind: str, packed: bool
) -> None:
    shape = hnp.array_shapes(min_dims=2, max_dims=3, max_side=9)
    arrays = {
        name: data.draw(
            hnp.arrays(kind, shape, elements={"allow_nan": False} if kind[0] == "f" else None)
        )
        for name in ("trainNdxs", "x")
    }
    path = tmp_path_factory.mktemp("mat") / "a.mat"
    scipy.io.savemat(path, {**arrays, "note": "text is skipped"}, do_compression=packed)
    found = read_arrays(path)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].shape == array.shape


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.mat"
    for packed in (False, True):
        scipy.io.savemat(path, {"x": np.arange(500.0)}, do_compression=packed)
        path.write_bytes(path.read_bytes()[:-40])
        with pytest.raises(InputError, match=r"cut\.mat: not a MATLAB 5 file"):
            read_arrays(path)


@pytest.mark.parametrize("content", [b"", b"hello", bytes(200)])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.mat"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"other\.mat: not a MATLAB 5 file"):
        read_arrays(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_arrays(tmp_path / "none.mat")


def test_a_file_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bomb.mat"
    scipy.io.savemat(path, {"x": np.zeros(100_000)}, do_compression=True)
    monkeypatch.setattr("depthnet.data.matlab5.LARGEST", 10_000)
    with pytest.raises(InputError, match="not a MATLAB 5 file"):
        read_arrays(path)


@given(noise=st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_noise_never_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "noise.mat"
    path.write_bytes(bytes(126) + b"IM" + noise)
    with suppress(InputError):
        read_arrays(path)
