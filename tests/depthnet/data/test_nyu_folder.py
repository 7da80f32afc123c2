from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depthbench.errors import InputError
from depthnet.data.nyu_folder import NyuFolder, decode


def test_pairs_match_what_was_written(nyu_folder: Path, pairs: Callable) -> None:
    dataset = NyuFolder(nyu_folder, "train")
    assert len(dataset) == 2
    for index, number in enumerate((1, 3)):
        pair, (_, depth) = dataset[index], pairs(number)
        assert pair.name == f"{number:05d}"
        with Image.open(nyu_folder / "rgb" / f"{number:05d}.jpg") as image:
            np.testing.assert_array_equal(pair.image, np.asarray(image))
        assert np.abs(pair.depth - depth).max() <= 0.0197
        assert pair.depth.dtype == np.float32
        assert pair.invalid == 0


def test_decoding_takes_the_middle_of_a_level() -> None:
    levels = np.array([0, 18, 255], np.uint8)
    np.testing.assert_allclose(decode(levels), [0.01959896, 0.72516155, 10.0150690], rtol=1e-6)


def test_a_missing_pair_file_is_named_when_opened(nyu_folder: Path) -> None:
    (nyu_folder / "depth8/00002.png").unlink()
    with pytest.raises(InputError, match=r"depth8/00002\.png: no such file"):
        NyuFolder(nyu_folder, "test")
    assert len(NyuFolder(nyu_folder, "test", limit=1)) == 1


def test_a_file_that_vanishes_later_is_named(nyu_folder: Path) -> None:
    dataset = NyuFolder(nyu_folder, "test")
    (nyu_folder / "rgb/00000.jpg").unlink()
    with pytest.raises(InputError, match=r"rgb/00000\.jpg: no such file"):
        dataset[0]


@pytest.mark.parametrize("name", ["rgb/00000.jpg", "depth8/00000.png"])
@pytest.mark.parametrize(("keep", "says"), [(0, "not an image"), (130, "unreadable image")])
def test_a_truncated_image_is_named(nyu_folder: Path, name: str, keep: int, says: str) -> None:
    path = nyu_folder / name
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=f"{name}: {says}.*fetch it again") as caught:
        NyuFolder(nyu_folder, "test")[0]
    assert "\n" not in str(caught.value)


def test_sizes_that_differ_are_refused(nyu_folder: Path) -> None:
    Image.fromarray(np.ones((5, 7), np.uint8)).save(nyu_folder / "depth8/00000.png")
    with pytest.raises(InputError, match=r"00000\.png: the image is 16x12 and its depth 7x5"):
        NyuFolder(nyu_folder, "test")[0]


def test_16_bit_depth_in_the_8_bit_folder_is_refused(nyu_folder: Path) -> None:
    Image.fromarray(np.full((12, 16), 2500, np.uint16)).save(nyu_folder / "depth8/00000.png")
    with pytest.raises(InputError, match="16-bit levels where depth8 holds 8-bit"):
        NyuFolder(nyu_folder, "test")[0]


def test_a_colour_image_as_depth_is_refused(nyu_folder: Path) -> None:
    Image.fromarray(np.ones((12, 16, 3), np.uint8)).save(nyu_folder / "depth8/00000.png")
    with pytest.raises(InputError, match="mode RGB; give a one-channel"):
        NyuFolder(nyu_folder, "test")[0]


def test_a_huge_image_is_refused_unread(nyu_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("depthnet.data.image_file.LARGEST", 100)
    with pytest.raises(InputError, match="16x12 pixels; give images below"):
        NyuFolder(nyu_folder, "test")[0]


def test_an_empty_split_is_refused(nyu_folder: Path) -> None:
    (nyu_folder / "split.csv").write_text("index0,split\n0,train\n")
    with pytest.raises(InputError, match=r"split\.csv: the test split is empty"):
        NyuFolder(nyu_folder, "test")


@pytest.mark.parametrize("table", ["a,b\n1,2\n", "index0,split\nx,test\n"])
def test_a_malformed_split_table_is_refused(nyu_folder: Path, table: str) -> None:
    (nyu_folder / "split.csv").write_text(table)
    with pytest.raises(InputError, match=r"split\.csv: not a table of index0"):
        NyuFolder(nyu_folder, "test")
