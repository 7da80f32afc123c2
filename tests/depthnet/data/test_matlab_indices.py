"""A damaged MATLAB file is refused in one line, and never ends the process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.io

from depthbench.errors import InputError
from depthnet.data.matlab_indices import read_indices

DAMAGED = r"m\.mat: not a whole MATLAB 5 file"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "m.mat"


@pytest.mark.parametrize("packed", [False, True])
def test_whole_numbers_of_any_type_are_read_column_by_column(path: Path, packed: bool) -> None:
    matrices = {
        "column": np.array([[2.0], [5.0], [1449.0]]),
        "table": np.array([[1, 3], [2, 4]], dtype=np.uint16),
        "empty": np.zeros((0, 1)),
        "note": "text",
    }
    scipy.io.savemat(path, matrices, do_compression=packed)
    assert read_indices(path, "column") == [2, 5, 1449]
    assert read_indices(path, "table") == [1, 2, 3, 4]
    assert read_indices(path, "empty") == []


@pytest.mark.parametrize("name", ["note", "fractions", "unknown", "absent"])
def test_a_file_without_such_numbers_is_refused(path: Path, name: str) -> None:
    scipy.io.savemat(path, {"note": "x", "fractions": [0.5], "unknown": [np.nan]})
    with pytest.raises(InputError, match=rf"m\.mat: has no {name}"):
        read_indices(path, name)


@pytest.mark.parametrize("packed", [False, True])
def test_a_cut_file_is_refused(path: Path, packed: bool) -> None:
    scipy.io.savemat(path, {"x": np.arange(500.0)}, do_compression=packed)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match=DAMAGED):
        read_indices(path, "x")


@pytest.mark.parametrize("content", [b"", b"hello", bytes(200)])
def test_another_file_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(InputError, match=DAMAGED):
        read_indices(path, "x")


def test_a_damaged_tag_ends_no_more_than_the_reading(path: Path) -> None:
    scipy.io.savemat(path, {"x": np.arange(500.0)})
    content = bytearray(path.read_bytes())
    # Header, tag of the matrix, its flags (16), its shape (16), its name (8): then the numbers'.
    tag = 128 + 8 + 16 + 16 + 8
    assert content[tag] == 9, "the tag of doubles"
    content[tag : tag + 4] = b"\xff\xff\xff\x00"
    path.write_bytes(content)
    with pytest.raises(InputError, match=DAMAGED):
        read_indices(path, "x")


def test_a_missing_or_large_file_is_refused(path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_indices(path, "x")
    scipy.io.savemat(path, {"x": np.zeros(200_000)})
    with pytest.raises(InputError, match="over 100 kB"):
        read_indices(path, "x")


def test_a_file_that_unpacks_to_too_much_is_refused(path: Path) -> None:
    scipy.io.savemat(path, {"x": np.zeros(10_000_000)}, do_compression=True)
    assert path.stat().st_size < 100_000
    with pytest.raises(InputError, match="has no x"):
        read_indices(path, "x")
