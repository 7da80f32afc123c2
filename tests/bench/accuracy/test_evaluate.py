"""Scoring a model: against numpy on a made-up data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.accuracy.evaluate import measure_accuracy, score_dataset
from bench.model_card import describe_model
from bench.models import Model
from bench.runtimes.base import Runtime
from depthbench.errors import CheckFailed, InputError
from depthnet.card.port import Port
from depthnet.data.pair import DepthPair
from depthnet.scoring import protocols

SIZE = (32, 48)


class Flat:
    """Grey images of one brightness, with one depth each."""

    name, split = "flat", "test"

    def __init__(self, depths: list[float], valid: bool = True) -> None:
        self.depths, self.valid = depths, valid

    def __len__(self) -> int:
        return len(self.depths)

    def __getitem__(self, index: int) -> DepthPair:
        depth = np.full((480, 640), self.depths[index] if self.valid else 0.0, dtype=np.float32)
        image = np.full((480, 640, 3), 128, dtype=np.uint8)
        return DepthPair(name=str(index), image=image, depth=depth)


class Constant(Runtime):
    """A runtime that always predicts the same depth."""

    name = "constant"

    def __init__(self, depth: float, size: tuple[int, int] = SIZE) -> None:
        self.depth, self.size = depth, size

    def run(self, inputs: object) -> dict[str, np.ndarray]:
        return {"depth": np.full((1, 1, *self.size), self.depth, dtype=np.float32)}

    def describe(self) -> dict[str, object]:
        return {"threads": 1}


def model(shape: tuple[int, ...] = (1, 3, *SIZE)) -> Model:
    image, depth = Port("image", shape, "float32"), Port("depth", (), "float32")
    return Model("flat", Path("flat.onnx"), "0" * 64, (image,), (depth,), {})


@pytest.mark.parametrize("protocol", ["paper", "eigen"])
def test_the_mean_is_over_images(protocol: str) -> None:
    record = measure_accuracy(
        model(), Constant(2.0), Flat([1.0, 2.0, 4.0]), protocols.get(protocol)
    )
    # A constant depth has closed-form scores in every image.
    assert record["rmse"] == pytest.approx(np.mean([1, 0, 2]))
    assert record["rel"] == pytest.approx(np.mean([1, 0, 0.5]))
    assert record["delta1"] == pytest.approx(1 / 3)
    assert [image["name"] for image in record["per_image"]] == ["0", "1", "2"]
    assert record["images"] == 3


def test_the_record_says_what_the_figures_depend_on() -> None:
    record = measure_accuracy(model(), Constant(2.0), Flat([2.0]), protocols.get("eigen"))
    wanted = {"model_sha256", "weights", "runtime", "data", "split", "protocol", "averaging"}
    assert wanted <= set(record)
    assert record["kind"] == "accuracy"


@pytest.mark.parametrize("bad", [np.nan, 0.0, -1.0, np.inf])
def test_a_prediction_that_is_no_depth_fails_with_the_images_name(bad: float) -> None:
    with pytest.raises(CheckFailed, match="prediction for 0"):
        measure_accuracy(model(), Constant(bad), Flat([2.0]), protocols.get("eigen"))


def test_an_image_without_valid_depth_is_named() -> None:
    with pytest.raises(InputError, match="flat, image 0: no valid pixel"):
        measure_accuracy(model(), Constant(2.0), Flat([2.0], False), protocols.get("eigen"))


def test_a_model_that_takes_no_image_is_refused() -> None:
    with pytest.raises(InputError, match="not 1x3xHxW"):
        measure_accuracy(model((1, 10)), Constant(2.0), Flat([2.0]), protocols.get("eigen"))


def test_a_model_that_gives_no_depth_map_is_refused() -> None:
    with pytest.raises(InputError, match="not a depth map"):
        measure_accuracy(model(), Constant(2.0, (8, 40)), Flat([2.0]), protocols.get("eigen"))


def test_every_image_is_told() -> None:
    told: list[str] = []
    score_dataset(
        lambda image: np.full(SIZE, 2.0, dtype=np.float32),
        describe_model(model()),
        Flat([2.0, 3.0]),
        protocols.get("paper"),
        lambda result: told.append(result.name),
    )
    assert told == ["0", "1"]
