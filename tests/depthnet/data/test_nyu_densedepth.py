from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depthbench.errors import InputError
from depthnet.data import open_dataset
from depthnet.data.nyu_densedepth import decode


@pytest.fixture(params=["zip", "extracted", "its data folder"])
def packed(request: pytest.FixtureRequest, densedepth: Path) -> str:
    if request.param == "zip":
        return shutil.make_archive(str(densedepth.parent / "nyu_data"), "zip", densedepth)
    return str(densedepth if request.param == "extracted" else densedepth / "data")


def test_training_pairs_are_8_bit_tenths_of_10_metres(packed: str, pairs: Callable) -> None:
    dataset = open_dataset(packed, "train")
    assert len(dataset) == 2
    pair, (_, depth) = dataset[1], pairs(2)
    assert pair.name == "nyu2_train/attic_0001_out/2"
    assert np.abs(pair.depth - depth).max() <= 0.5 * 10 / 255 + 1e-6
    assert pair.image.shape == (12, 16, 3)


def test_test_pairs_are_16_bit_millimetres(packed: str, pairs: Callable) -> None:
    pair, (image, depth) = open_dataset(packed, "test")[0], pairs(7)
    np.testing.assert_array_equal(pair.image, image)
    assert np.abs(pair.depth - depth).max() <= 0.0005 + 1e-6


def test_decoding() -> None:
    np.testing.assert_allclose(decode(np.array([0, 51, 255], np.uint8)), [0, 2, 10], rtol=1e-6)
    np.testing.assert_allclose(decode(np.array([0, 2500], np.uint16)), [0, 2.5], rtol=1e-6)


def test_a_missing_member_is_named_when_opened(densedepth: Path) -> None:
    (densedepth / "data/nyu2_train/attic_0001_out/2.png").unlink()
    with pytest.raises(InputError, match=r"attic_0001_out/2\.png: no such file"):
        open_dataset(str(densedepth), "train")


def test_a_missing_list_is_named(densedepth: Path) -> None:
    (densedepth / "data/nyu2_train.csv").unlink()
    with pytest.raises(
        InputError, match=r"nyu2_train\.csv: no such file; it lists the train split"
    ):
        open_dataset(str(densedepth), "train")


@pytest.mark.parametrize("rows", ["only-one-column\n", "a,b,c\n"])
def test_a_malformed_list_is_refused(densedepth: Path, rows: str) -> None:
    (densedepth / "data/nyu2_train.csv").write_text(rows)
    with pytest.raises(InputError, match="not a table of image,depth"):
        open_dataset(str(densedepth), "train")


def test_an_empty_list_is_refused(densedepth: Path) -> None:
    (densedepth / "data/nyu2_train.csv").write_text("\n")
    with pytest.raises(InputError, match="the train split is empty"):
        open_dataset(str(densedepth), "train")


@pytest.mark.parametrize("name", ["../secret.png", "/etc/hostname"])
def test_a_list_may_not_point_out_of_its_folder(densedepth: Path, name: str) -> None:
    (densedepth / "data/nyu2_train.csv").write_text(f"{name},{name}\n")
    with pytest.raises(InputError, match="lies outside the folder"):
        open_dataset(str(densedepth), "train")


def test_a_damaged_archive_is_refused(packed: str) -> None:
    path = Path(packed)
    if path.is_dir():
        image = next(path.rglob("00007_depth.png"))
        image.write_bytes(image.read_bytes()[:100])
        with pytest.raises(InputError, match=r"00007_depth\.png: unreadable image"):
            open_dataset(packed, "test")[0]
        return
    whole = path.read_bytes()
    path.write_bytes(whole[:-50])
    with pytest.raises(InputError, match="not a whole zip file"):
        open_dataset(packed, "test")
    at = whole.index(b"IDAT")
    path.write_bytes(whole[:at] + bytes(40) + whole[at + 40 :])
    with pytest.raises(InputError, match=r"damaged member|unreadable image"):
        [open_dataset(packed, "test")[0], *map(open_dataset(packed, "train").__getitem__, (0, 1))]


def test_a_member_that_vanishes_later_is_named(densedepth: Path) -> None:
    dataset = open_dataset(str(densedepth), "test")
    (densedepth / "data/nyu2_test/00007_depth.png").unlink()
    with pytest.raises(InputError, match=r"00007_depth\.png: cannot be read"):
        dataset[0]


def test_a_member_that_unpacks_to_too_much_is_refused(
    densedepth: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shutil.make_archive(str(densedepth.parent / "nyu_data"), "zip", densedepth)
    dataset = open_dataset(path, "test")
    monkeypatch.setattr("depthnet.data.store.LARGEST", 50)
    with pytest.raises(InputError, match=r"00007_colors\.png: over 100 MB"):
        dataset[0]


def test_sizes_that_differ_are_refused(densedepth: Path) -> None:
    Image.fromarray(np.ones((3, 4), np.uint16)).save(densedepth / "data/nyu2_test/00007_depth.png")
    with pytest.raises(InputError, match=r"00007_depth\.png: the image is 16x12 and its depth 4x3"):
        open_dataset(str(densedepth), "test")[0]
