"""Crop, cap, resizing and flip averaging against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthnet import protocols
from depthnet.errors import InputError


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
    x = protocols.to_input(image, (32, 64))
    assert x.shape == (1, 3, 32, 64)
    assert x.dtype == np.float32
    assert np.allclose(x, level / 255, atol=1e-7)


def test_channels_stay_red_green_blue() -> None:
    image = np.zeros((8, 8, 3), dtype=np.uint8)
    image[..., 0] = 255
    assert protocols.to_input(image, (8, 8))[0, :, 0, 0].tolist() == [1.0, 0.0, 0.0]


def test_flip_average_undoes_the_mirror() -> None:
    image = np.random.default_rng(0).random((1, 3, 4, 6), dtype=np.float32)
    # A predictor that is equivariant to mirroring is unchanged by the average.
    mean = protocols.predict_flip_averaged(lambda x: x.mean(axis=1, keepdims=True), image)
    assert np.allclose(mean, image.mean(axis=1)[0])


def test_flip_average_is_symmetric_for_any_predictor() -> None:
    image = np.random.default_rng(0).random((1, 3, 4, 6), dtype=np.float32)
    ramp = np.arange(6, dtype=np.float32)
    mirrored = np.ascontiguousarray(image[..., ::-1])

    def predict(x: np.ndarray) -> np.ndarray:
        return x[:, :1] * ramp

    one = protocols.predict_flip_averaged(predict, image)
    other = protocols.predict_flip_averaged(predict, mirrored)
    assert np.allclose(one, other[:, ::-1])


def test_an_unknown_protocol_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'eigen'"):
        protocols.get("eigne")
