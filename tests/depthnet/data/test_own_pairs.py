"""One's own pairs: folders and lists, and depth in the formats that others write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from depthbench.errors import InputError
from depthnet.data import open_dataset
from depthnet.data.depth_file import read_depth

METRES = (np.arange(12 * 16).reshape(12, 16) % 97 / 10 + 0.5).astype(np.float32)
"""Tenths of a metre, so that every format holds them within half a millimetre."""
IMAGE = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)

Write = Callable[[Path, NDArray[np.float32]], None]


def write_pfm(path: Path, metres: NDArray[np.float32]) -> None:
    """As the format is defined (Debevec): rows from the bottom, little endian where below 0."""
    height, width = metres.shape
    header = f"Pf\n{width} {height}\n-1.0\n".encode()
    path.write_bytes(header + metres[::-1].astype("<f4").tobytes())


def write_pgm(path: Path, metres: NDArray[np.float32]) -> None:
    """16-bit levels, the high byte first (netpbm)."""
    height, width = metres.shape
    levels = np.rint(metres * 1000).astype(">u2").tobytes()
    path.write_bytes(f"P5\n{width} {height}\n65535\n".encode() + levels)


def write_levels(path: Path, metres: NDArray[np.float32]) -> None:
    Image.fromarray(np.rint(metres * 1000).astype(np.uint16)).save(path)


def write_numbers(path: Path, metres: NDArray[np.float32]) -> None:
    Image.fromarray(metres).save(path)


WRITERS: dict[str, Write] = {
    "mm.png": write_levels,
    "mm.tiff": write_levels,
    "mm.pgm": write_pgm,
    "metres.tif": write_numbers,
    "metres.pfm": write_pfm,
    "metres.npy": np.save,
    "half.npy": lambda path, metres: np.save(path, metres.astype(np.float16)[None]),
    "mm.npy": lambda path, metres: np.save(path, np.rint(metres * 1000).astype(np.int32)),
    "channel.npy": lambda path, metres: np.save(path, metres[..., None]),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_metres(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name, METRES)
    found = read_depth(tmp_path / name)
    assert (found.dtype, found.shape) == (np.float32, METRES.shape)
    np.testing.assert_allclose(found, METRES, rtol=1e-3 if "half" in name else 1e-6)


def test_exr_gives_metres(tmp_path: Path) -> None:
    exr = pytest.importorskip("OpenEXR")
    path = tmp_path / "depth.exr"
    for channel in ("Z", "Y"):
        exr.File({}, {channel: METRES}).write(str(path))
        np.testing.assert_array_equal(read_depth(path), METRES)
    exr.File({}, {"A": METRES}).write(str(path))
    with pytest.raises(InputError, match=r"depth\.exr: no channel Z or Y"):
        read_depth(path)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(InputError, match=r"depth\.exr: no EXR file that is whole"):
        read_depth(path)


@pytest.mark.parametrize("name", ["mm.png", "metres.npy", "metres.pfm"])
def test_another_unit_is_said(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name, METRES)
    base = 1000 if name.startswith("mm") else 1
    np.testing.assert_allclose(
        read_depth(tmp_path / name, 1 / 5000), METRES * base / 5000, rtol=1e-6
    )


def test_8_bit_levels_have_no_unit(tmp_path: Path) -> None:
    Image.fromarray((METRES * 20).astype(np.uint8)).save(tmp_path / "d.png")
    with pytest.raises(InputError, match="8-bit levels, whose unit is not known"):
        read_depth(tmp_path / "d.png")
    assert read_depth(tmp_path / "d.png", 0.05).max() == pytest.approx(METRES.max(), abs=0.05)


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.zeros((2, 3, 4)), "a depth map of shape 2x3x4"),
        (np.zeros(()), "a depth map of shape a single number"),
        (np.zeros((0, 4)), "a depth map of shape 0x4"),
        (np.zeros((3, 4), bool), "a depth map of bool"),
        (np.zeros((3, 4), complex), "a depth map of complex128"),
        (np.array([[{}]], dtype=object), "no array of numbers"),
    ],
)
def test_an_array_that_is_no_map_is_refused(tmp_path: Path, array: NDArray, says: str) -> None:
    np.save(tmp_path / "d.npy", array, allow_pickle=True)
    with pytest.raises(InputError, match=rf"d\.npy: {says}"):
        read_depth(tmp_path / "d.npy")


def test_an_archive_of_arrays_is_no_map(tmp_path: Path) -> None:
    with (tmp_path / "d.npy").open("wb") as file:
        np.savez(file, depth=METRES)
    with pytest.raises(InputError, match=r"d\.npy: no array of numbers"):
        read_depth(tmp_path / "d.npy")


@pytest.mark.parametrize("name", ["mm.png", "metres.npy", "metres.pfm"])
@pytest.mark.parametrize("keep", [0, 3, 100])
def test_a_damaged_file_is_one_line(tmp_path: Path, name: str, keep: int) -> None:
    WRITERS[name](tmp_path / name, METRES)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:keep])
    with pytest.raises(InputError, match=name) as caught:
        read_depth(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    """Write pairs called as given: images to one folder, depth to another."""

    def write(images: str, depths: str, *names: str, kind: str = "mm.png") -> Path:
        for folder in (images, depths):
            (tmp_path / "own" / folder).mkdir(parents=True, exist_ok=True)
        for name in names:
            Image.fromarray(IMAGE).save(tmp_path / "own" / images / f"{name}.png")
            path = tmp_path / "own" / depths / f"{name}{Path(kind).suffix}"
            WRITERS[kind](path, METRES)
        return tmp_path / "own"

    return write


Make = Callable[..., Path]


@pytest.mark.parametrize("folders", [("rgb", "depth"), ("images", "depth"), ("rgb", "depth16")])
@pytest.mark.parametrize("kind", ["mm.png", "metres.npy"])
def test_two_folders_of_the_same_names(make: Make, folders: tuple[str, str], kind: str) -> None:
    path = make(*folders, "b", "a", kind=kind)
    (path / folders[1] / ".hidden.png").write_text("of the file system")
    (path / folders[0] / "notes.txt").write_text("of a person")
    dataset = open_dataset(str(path))
    assert (dataset.name, dataset.split, len(dataset)) == ("own", "test", 2)
    pairs = [dataset[index] for index in range(2)]
    assert [pair.name for pair in pairs] == ["a", "b"]
    np.testing.assert_array_equal(pairs[0].image, IMAGE)
    np.testing.assert_allclose(pairs[0].depth, METRES, rtol=1e-6)
    assert len(open_dataset(str(path), limit=1)) == 1
    with pytest.raises(InputError, match="own: the train split is empty"):
        open_dataset(str(path), "train")


def test_splits_are_folders(make: Make) -> None:
    make("train/rgb", "train/depth", "a", "b", "c")
    path = make("test/rgb", "test/depth", "d")
    assert len(open_dataset(str(path), "train")) == 3
    assert [open_dataset(str(path))[0].name] == ["d"]


def test_a_list_names_files_splits_and_units(make: Make) -> None:
    path = make("left", "z", "a", "b", "c")
    (path / "pairs.csv").write_text(
        "image, depth, split, scale\nleft/a.png, z/a.png, train,\nleft/b.png, z/b.png, test, 0.002"
        "\nleft/c.png, z/c.png,,\n"
    )
    dataset = open_dataset(str(path))
    assert [dataset[index].name for index in range(len(dataset))] == ["left/b", "left/c"]
    np.testing.assert_allclose(dataset[0].depth, 2 * METRES, rtol=1e-6)
    np.testing.assert_allclose(dataset[1].depth, METRES, rtol=1e-6)
    assert len(open_dataset(str(path), "train")) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("image,deep\na,b\n", "pairs.csv: no column 'deep'"),
        ("image,depth\nrgb/a.png\n", "pairs.csv, line 2: no pair"),
        ("image,depth\nrgb/a.png,depth/a.png,3\n", "pairs.csv, line 2: no pair"),
        ("image,depth\nrgb/a.png,depth/z.png\n", "depth/z.png: no such file"),
        ("image,depth,split\nrgb/a.png,depth/a.png,val\n", "unknown split 'val'"),
        ("image,depth,scale\nrgb/a.png,depth/a.png,mm\n", "line 2: scale 'mm' is no number"),
        ("image,depth,scale\nrgb/a.png,depth/a.png,-1\n", "line 2: scale '-1' is no number"),
        ("image,depth\n", "own: the test split is empty"),
        ("", "own: the test split is empty"),
        ("\x00\xff", "own: the test split is empty|not a CSV|no column"),
    ],
)
def test_a_wrong_list_is_one_line(make: Make, text: str, says: str) -> None:
    path = make("rgb", "depth", "a")
    (path / "pairs.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=says) as caught:
        open_dataset(str(path))
    assert "\n" not in str(caught.value)


def test_an_incomplete_pair_is_named(make: Make) -> None:
    path = make("rgb", "depth", "a", "b")
    (path / "depth/b.png").unlink()
    with pytest.raises(InputError, match=r"rgb/b\.png: no file of this name in .*/depth"):
        open_dataset(str(path))
    Image.fromarray(IMAGE).save(path / "rgb/a.jpg")
    with pytest.raises(InputError, match=r"rgb/a\.png: a\.jpg has the same name"):
        open_dataset(str(path))


def test_millimetres_of_floating_point_are_seen(make: Make) -> None:
    path = make("rgb", "depth")
    Image.fromarray(IMAGE).save(path / "rgb/a.png")
    np.save(path / "depth/a.npy", METRES * 1000)
    with pytest.raises(InputError, match="looks like millimetres"):
        open_dataset(str(path))[0]
