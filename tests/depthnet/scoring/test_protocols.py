"""Crop, cap, resizing and flip averaging against closed forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthbench.errors import InputError
from depthnet.card.image_input import to_input
from depthnet.card.meaning import MEANINGS, METRIC
from depthnet.data import open_dataset
from depthnet.scoring import protocols
from depthnet.scoring.fastdepth_metrics import score_either_mask


def mirror(image: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(image[..., ::-1])


def flat(shape: tuple[int, int], depth: float = 2.0) -> np.ndarray:
    return np.full(shape, depth, dtype=np.float32)


def test_eigen_crop_counts_exactly_its_rows_and_columns() -> None:
    mask = protocols.get("eigen").mask(flat((480, 640)))
    rows, columns = np.where(mask)
    assert (rows.min(), rows.max()) == (45, 470)
    assert (columns.min(), columns.max()) == (41, 600)
    assert mask.sum() == (471 - 45) * (601 - 41)


@pytest.mark.parametrize(("depth", "counts"), [(0, False), (1e-4, False), (10, True), (11, False)])
def test_eigen_cap_decides_which_truth_counts(depth: float, counts: bool) -> None:
    assert protocols.get("eigen").mask(flat((480, 640), depth)).any() == counts


def test_eigen_clamps_predictions_to_the_cap() -> None:
    scores = protocols.get("eigen").score(flat((224, 224), 50), flat((480, 640), 9))
    assert scores["mae"] == pytest.approx(1.0, abs=1e-5)


def test_paper_compares_at_224_without_a_cap() -> None:
    scores = protocols.get("paper").score(flat((224, 224), 12), flat((480, 640), 11))
    assert scores["mae"] == pytest.approx(1.0, abs=1e-5)


def test_errors_outside_the_crop_do_not_count() -> None:
    prediction = flat((480, 640))
    prediction[:45] = 9.0
    prediction[:, 601:] = 9.0
    assert protocols.get("eigen").score(prediction, flat((480, 640)))["rmse"] == 0


def test_truth_is_never_interpolated_between_surfaces() -> None:
    truth = flat((480, 640), 1.0)
    truth[:, 320:] = 9.0
    resized = protocols.resize(truth, (224, 224), protocols.Image.Resampling.NEAREST)
    assert set(np.unique(resized)) == {1.0, 9.0}


@given(st.integers(0, 255), st.sampled_from([(480, 640), (224, 224), (33, 7)]))
def test_a_flat_image_stays_flat_and_lands_in_0_to_1(level: int, shape: tuple[int, int]) -> None:
    image = np.full((*shape, 3), level, dtype=np.uint8)
    x = to_input(image, (32, 64))
    assert x.shape == (1, 3, 32, 64)
    assert x.dtype == np.float32
    assert np.allclose(x, level / 255, atol=1e-7)


def test_channels_stay_red_green_blue() -> None:
    image = np.zeros((8, 8, 3), dtype=np.uint8)
    image[..., 0] = 255
    assert to_input(image, (8, 8))[0, :, 0, 0].tolist() == [1.0, 0.0, 0.0]


def test_flip_average_undoes_the_mirror() -> None:
    image = np.random.default_rng(0).random((1, 3, 4, 6), dtype=np.float32)
    # A predictor that is equivariant to mirroring is unchanged by the average.
    mean = protocols.predict_flip_averaged(lambda x: x[0].mean(axis=0), image, mirror)
    assert np.allclose(mean, image.mean(axis=1)[0])


def test_flip_average_is_symmetric_for_any_predictor() -> None:
    image = np.random.default_rng(0).random((1, 3, 4, 6), dtype=np.float32)
    ramp = np.arange(6, dtype=np.float32)
    mirrored = np.ascontiguousarray(image[..., ::-1])

    def predict(x: np.ndarray) -> np.ndarray:
        return x[0, 0] * ramp

    one = protocols.predict_flip_averaged(predict, image, mirror)
    other = protocols.predict_flip_averaged(predict, mirrored, mirror)
    assert np.allclose(one, other[:, ::-1])


@pytest.mark.parametrize("name", ["paper", "eigen", "fastdepth"])
@pytest.mark.parametrize("meaning", MEANINGS)
def test_what_is_known_up_to_scale_is_not_compared_in_metres(name: str, meaning: Any) -> None:
    protocol = protocols.get(name)
    if meaning in METRIC:
        assert protocol.space(meaning) in ("depth", "disparity")
        return
    with pytest.raises(InputError, match="--protocol aligned"):
        protocol.space(meaning)


def test_an_unknown_protocol_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'eigen'"):
        protocols.get("eigne")


def test_fastdepth_looks_at_the_middle_of_the_shrunk_image() -> None:
    columns, rows = np.meshgrid(np.arange(640), np.arange(480))
    image = np.stack([columns % 256, rows % 256, columns // 256], axis=-1).astype(np.uint8)
    seen, truth = protocols.get("fastdepth").apply_view(image, columns.astype(np.float32))
    assert seen.shape == (228, 304, 3)
    # Shrunk to 250x333, the crop starts in column round(14.5) = 14 and row 11.
    assert truth[0, 0] == int((14 + 0.5) * 640 / 333)
    assert truth[0, -1] == int((14 + 303 + 0.5) * 640 / 333)
    assert seen[0, 0, 1] == int((11 + 0.5) * 480 / 250)
    assert np.array_equal(seen[..., 0] + 256.0 * seen[..., 2], truth)


@pytest.mark.parametrize("name", ["paper", "eigen", "aligned", "median"])
def test_the_others_look_at_the_whole_image(name: str) -> None:
    image, depth = np.zeros((480, 640, 3), np.uint8), flat((480, 640))
    seen, truth = protocols.get(name).apply_view(image, depth)
    assert seen is image
    assert truth is depth


def test_fastdepth_has_neither_crop_nor_cap_nor_flip() -> None:
    protocol = protocols.get("fastdepth")
    assert protocol.mask(flat((224, 224), 50)).all()
    assert protocol.score(flat((224, 224), 60), flat((228, 304), 50))["mae"] == pytest.approx(10)
    seen: list[np.ndarray] = []

    def predict(x: np.ndarray) -> np.ndarray:
        seen.append(x)
        return x[0, 0]

    protocol.predict(predict, np.ones((1, 3, 4, 4), np.float32), mirror)
    assert len(seen) == 1


@pytest.fixture(scope="module")
def fastdepth_sample(shared_data: Path) -> dict[str, np.ndarray]:
    """NYU test image 1448 as FastDepth's own loader and network give it."""
    folder = shared_data / "nyu_fastdepth_sample" / "deploy" / "data"
    if not folder.is_dir():
        pytest.skip("no FastDepth sample beside the data")
    return {name: np.load(folder / f"{name}.npy") for name in ("rgb", "depth", "pred")}


def test_the_view_is_what_fastdepths_loader_gives(
    fastdepth_sample: dict[str, np.ndarray], shared_data: Path
) -> None:
    dataset = open_dataset(str(shared_data / "nyu"), "test")
    pair = dataset[len(dataset) - 1]
    assert pair.name == "01448"
    image, depth = protocols.get("fastdepth").apply_view(pair.image, pair.depth)
    truth = protocols.resize(depth, (224, 224), protocols.Image.Resampling.NEAREST)
    # The stored depth is off by half a level of 39.2 mm, no pixel by more.
    assert np.abs(truth - fastdepth_sample["depth"]).max() < 0.0197
    small = np.asarray(protocols.Image.fromarray(image).resize((224, 224), 0))
    assert np.abs(small / 255 - fastdepth_sample["rgb"]).mean() < 0.015


def test_fastdepths_network_gets_its_published_scores(
    fastdepth_sample: dict[str, np.ndarray],
) -> None:
    depth, prediction = fastdepth_sample["depth"], fastdepth_sample["pred"][0, 0]
    scores = protocols.get("fastdepth").score(prediction, depth)
    assert scores["rmse"] == pytest.approx(0.6180, abs=5e-5)
    assert scores["delta1"] == pytest.approx(0.7773, abs=5e-5)
    # No invalid truth in it: either mask gives the same.
    assert score_either_mask(prediction, depth) == scores
