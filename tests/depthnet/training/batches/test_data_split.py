"""Which pairs are learnt from, and which are held out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from depthbench.errors import InputError
from depthnet.card.image_input import to_input
from depthnet.data import DepthDataset, DepthPair
from depthnet.training.batches import data_split
from depthnet.training.batches.photos import Photos
from depthnet.training.batches.samples import Samples, load_samples


class Numbered:
    """A data set whose pair i has depth i + 1 everywhere but in a hole."""

    name = "numbered"

    def __init__(self, split: str, count: int) -> None:
        self.split = split
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> DepthPair:
        image = np.random.default_rng(index).integers(0, 256, (12, 16, 3), dtype=np.uint8)
        depth = np.full((12, 16), (index + 1) / 64, dtype=np.float32)
        depth[:2, :2] = 0
        return DepthPair(f"{index}", image, depth)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    asked = []

    def open_dataset(spec: str, split: str, limit: int | None) -> DepthDataset:
        asked.append((spec, split))
        return Numbered(split, limit or 40)

    monkeypatch.setattr(data_split, "open_dataset", open_dataset)
    return asked


@given(count=st.integers(1, 2000), share=st.floats(0, 0.6))
def test_held_out_pairs_are_about_the_share_and_never_learnt_from(count: int, share: float) -> None:
    learnt, apart = data_split.hold_out(range(count), share)
    assert sorted(learnt + apart) == list(range(count))
    assert abs(len(apart) - count * share) <= data_split.BLOCK / 2 + 1


def test_neighbours_are_held_out_together() -> None:
    _, apart = data_split.hold_out(range(795), 0.1)
    assert len(apart) == 80
    runs = np.split(apart, np.flatnonzero(np.diff(apart) > 1) + 1)
    assert [len(run) for run in runs] == [16] * 5


def test_a_share_that_is_no_share_is_refused() -> None:
    with pytest.raises(InputError, match=r"held-out share 1\.5"):
        data_split.hold_out(range(10), 1.5)


def test_sources_are_mixed_and_only_the_first_is_validated(opened: list[tuple[str, str]]) -> None:
    data = data_split.gather(
        ["real", "made@7"], sample_size=(12, 16), input_size=(8, 8), held_out=0.2
    )
    assert set(opened) == {("real", "train"), ("made", "train")}
    assert len(data.train) == 32 + 7
    assert data.held_out is not None
    assert data.held_out.images.shape == (8, 3, 8, 8)
    assert [(d["pairs"], d["held_out"]) for d in data.description] == [(32, 8), (7, 0)]
    # The first pixel is in the hole, the last one tells the pair.
    numbers = set((data.train.depths[:32, 0, -1, -1].float() * 64 - 1).int().tolist())
    apart = set((data.held_out.depths[:, 0, -1, -1].float() * 64 - 1).int().tolist())
    assert numbers | apart == set(range(40))
    assert not data.train.depths[:, 0, 0, 0].any()


def test_samples_are_resized_as_the_protocols_do() -> None:
    dataset = Numbered("train", 3)
    samples = load_samples(dataset, [2, 0], (8, 8))
    assert samples.names == ("2", "0")
    expected = to_input(dataset[2].image, (8, 8))[0]
    np.testing.assert_allclose(samples.images[0].numpy() / 255.0, expected, atol=1e-6)
    assert set(samples.depths[0].unique().tolist()) == {0.0, 3 / 64}


def test_a_count_that_is_none_is_refused(opened: list[tuple[str, str]]) -> None:
    with pytest.raises(InputError, match="count after @"):
        data_split.open_source("rooms@many")


def test_nothing_to_train_on_is_refused() -> None:
    with pytest.raises(InputError, match="no data"):
        data_split.gather([], sample_size=(8, 8), input_size=(8, 8))


def test_holes_are_filled_only_where_asked_and_never_in_what_is_validated_on(
    opened: list[tuple[str, str]],
) -> None:
    sizes: dict[str, Any] = {"sample_size": (12, 16), "input_size": (12, 16), "held_out": 0.5}
    left = data_split.gather(["numbered"], **sizes)
    filled = data_split.gather(["numbered"], **sizes, fill=True)
    assert (left.train.depths[:, :, :2, :2] == 0).all()
    # Around a hole, and so in it, a numbered pair has one depth.
    assert torch.equal(
        filled.train.depths, left.train.depths.amax((2, 3), keepdim=True).expand(-1, -1, 12, 16)
    )
    assert left.held_out is not None
    assert filled.held_out is not None
    assert torch.equal(filled.held_out.depths, left.held_out.depths)
    assert [source["holes"] for source in filled.description] == ["filled"]


def test_a_pair_without_a_measurement_stays_empty() -> None:
    class Empty(Numbered):
        def __getitem__(self, index: int) -> DepthPair:
            pair = super().__getitem__(index)
            return DepthPair(pair.name, pair.image, np.zeros_like(pair.depth))

    samples = load_samples(Empty("train", 1), [0], (12, 16), fill=True)
    assert (samples.depths == 0).all()


def test_whole_scenes_are_held_out_where_numbers_tell_where_they_end() -> None:
    # Where a number is missing, pairs of another split lie between.
    numbers = [n for n in range(400) if n % 10 not in (0, 1)]
    learnt, apart = data_split.hold_out(numbers, 0.2)
    assert sorted(learnt + apart) == list(range(320))
    scenes = {numbers[place] // 10 for place in apart}
    assert not scenes & {numbers[place] // 10 for place in learnt}
    assert len(apart) == 64


def test_what_was_read_once_is_there_for_other_runs(opened: list[tuple[str, str]]) -> None:
    library = data_split.Library()
    sizes: dict[str, Any] = {"sample_size": (12, 16), "input_size": (12, 16), "library": library}
    first = data_split.gather(["real", "made@7"], **sizes)
    count = len(opened)
    again = data_split.gather(["real", "made@7"], **sizes)
    assert len(opened) == count
    assert again.train is first.train


def test_pictures_have_no_depth_and_come_in_the_order_of_their_paths(tmp_path: Path) -> None:
    for name, grey in (("b/1.png", 200), ("a.jpg", 20)):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.new("L", (20, 10), grey).save(path)
    (tmp_path / "notes.txt").write_text("no picture")
    data = data_split.gather(
        ["rooms@1"],
        unlabelled=[tmp_path],
        sample_size=(8, 8),
        input_size=(8, 8),
        held_out=0.0,
        library=WithoutRooms(),
    )
    assert data.sizes == [1, 2]
    assert data.train.names[1:] == ("a.jpg", "b/1.png")
    assert not data.train.depths[1:].any()
    assert data.train.images[1:].float().mean((1, 2, 3)).round().tolist() == [20, 200]
    assert data.description[1]["pictures"] == 2


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no pictures"):
        Photos(tmp_path)
    with pytest.raises(InputError, match="no folder"):
        Photos(tmp_path / "none")


class WithoutRooms(data_split.Library):
    """Has one pair of rooms already, so that none is rendered."""

    def once(self, key: Any, read: Any) -> Any:
        if key[0] == "rooms@1" and len(key) == 4:
            images = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
            samples = Samples(("0",), images, torch.ones(1, 1, 8, 8).half())
            return samples, {"data": "rooms"}
        return super().once(key, read)
