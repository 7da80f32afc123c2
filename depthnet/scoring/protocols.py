"""How an image becomes an input, and a prediction a score: every figure names its protocol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthbench.errors import InputError
from depthbench.suggest import did_you_mean
from depthnet.card.meaning import MEANINGS, METRIC, Meaning
from depthnet.scoring.alignment import Alignment, align
from depthnet.scoring.metrics import Scores, score
from depthnet.scoring.space import SPACES, Space

Predict = Callable[[NDArray], NDArray]
"""A model's input, one image, to a map HxW float32."""

Mirror = Callable[[NDArray], NDArray]
"""A model's input to that of the mirrored image."""


@dataclass(frozen=True)
class View:
    """The part of an image and its depth that is used: shrunk to `shrunk`, then a centre crop.

    `shrunk` and `crop` are (height, width). Image and depth are sampled at the nearest pixel, as
    by the code that published the figures.
    """

    shrunk: tuple[int, int]
    crop: tuple[int, int]

    def apply(self, values: NDArray) -> NDArray:
        """Cut the part out of an image HxWx3 uint8 or a depth map HxW float32."""
        small = Image.fromarray(np.ascontiguousarray(values)).resize(
            self.shrunk[::-1], Image.Resampling.NEAREST
        )
        top, left = (round((a - b) / 2) for a, b in zip(self.shrunk, self.crop, strict=True))
        return np.asarray(small)[top : top + self.crop[0], left : left + self.crop[1]]


@dataclass(frozen=True)
class Comparison:
    """A prediction and the truth as they are compared: HxW metres, and the pixels that count.

    `scale` is what the prediction was multiplied by in the fit, 1 where nothing is fitted.
    """

    prediction: NDArray
    truth: NDArray
    mask: NDArray
    scale: float = 1.0

    def score(self) -> Scores:
        """Score the pixels that count; raises ValueError as `metrics.score` does."""
        return score(self.prediction, self.truth, self.mask)


@dataclass(frozen=True)
class Protocol:
    """A scoring rule: which part is used, at which size, which pixels count, what is fitted.

    `size` (height, width): truth and prediction are brought to it before they are compared.
    `view`: the part of image and depth that is used, by default all. `crop`: rows and columns
    that count. `cap`: metres; truth outside it does not count, and predictions are clamped to
    it. `alignment`: how predictions are fitted to the truth first. `flip`: whether a prediction
    is averaged with that of the mirrored image. `either_mask`: whether `score_either_mask` is
    reported too. `rule` says all this in words. Predictions are averaged, resized and fitted in
    the `space` of the model.
    """

    name: str
    rule: str
    size: tuple[int, int]
    view: View | None = None
    crop: tuple[slice, slice] | None = None
    cap: tuple[float, float] | None = None
    alignment: Alignment = "none"
    flip: bool = True
    either_mask: bool = False

    def apply_view(self, image: NDArray, depth: NDArray) -> tuple[NDArray, NDArray]:
        """The part of an image (HxWx3 uint8) and its depth (HxW metres) that is used."""
        return (self.view.apply(image), self.view.apply(depth)) if self.view else (image, depth)

    def space(self, meaning: Meaning) -> Space:
        """The space in which a model of this meaning is compared.

        With scale and shift fitted, disparity, whether a model gives it or depth in metres: the
        score does not depend on which. Raises InputError where scale is unknown and not fitted.
        """
        if self.alignment == "none" and meaning not in METRIC:
            raise InputError(
                f"the model gives {MEANINGS[meaning]}, and protocol {self.name} compares metres",
                advice="score it with --protocol aligned, or say what it gives with --meaning",
            )
        if self.alignment == "scale and shift" and meaning != "relative":
            return "disparity"
        return SPACES[meaning]

    def predict(self, predict: Predict, network_input: NDArray, mirror: Mirror) -> NDArray:
        """Predict an input as the protocol does, flip-averaged or not; HxW."""
        if self.flip:
            return predict_flip_averaged(predict, network_input, mirror)
        return predict(network_input)

    def mask(self, truth: NDArray) -> NDArray:
        """The pixels of `truth` (HxW, metres) that count, as booleans."""
        valid = np.isfinite(truth) & (truth > 0)
        if self.cap:
            valid &= (truth >= self.cap[0]) & (truth <= self.cap[1])
        if self.crop:
            inside = np.zeros_like(valid)
            inside[self.crop] = True
            valid &= inside
        return valid

    def compare(self, prediction: NDArray, depth: NDArray, space: Space = "depth") -> Comparison:
        """Bring a prediction of `space` and a depth map together.

        Both are HxW, of any sizes, after `apply_view`; the depth, and a prediction that is not
        fitted, are in metres or 1 / metres. The prediction is resized bilinearly, the truth by
        nearest neighbour, so that depths of two surfaces are never mixed into one that is not
        there. Raises ValueError when there is nothing to align with.
        """
        truth = resize(depth, self.size, Image.Resampling.NEAREST)
        mask = self.mask(truth)
        predicted = resize(prediction, self.size, Image.Resampling.BILINEAR)
        farthest = self.cap[1] if self.cap else float("inf")
        predicted, scale = align(predicted, truth, mask, self.alignment, space, farthest)
        if self.cap:
            predicted = np.clip(predicted, *self.cap)
        return Comparison(predicted, truth, mask, scale)

    def score(self, prediction: NDArray, depth: NDArray, space: Space = "depth") -> Scores:
        """Score one prediction against a depth map, as `compare` brings them together.

        Raises ValueError as `compare` and `metrics.score` do.
        """
        return self.compare(prediction, depth, space).score()


EIGEN_CROP = (slice(45, 471), slice(41, 601))
EIGEN_CAP = (1e-3, 10.0)
EIGEN_RULE = (
    "480x640, crop rows 45 to 471 and columns 41 to 601, depth 0.001 to 10 m, prediction averaged "
    "with that of the mirrored image, {}mean over images"
)

PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            name="paper",
            rule="224x224, prediction averaged with that of the mirrored image, no crop, no cap, "
            "mean over images",
            size=(224, 224),
        ),
        Protocol(
            name="eigen",
            rule=EIGEN_RULE.format(""),
            size=(480, 640),
            crop=EIGEN_CROP,
            cap=EIGEN_CAP,
        ),
        Protocol(
            name="fastdepth",
            rule="resized to 250x333, centre crop 228x304, 224x224, all by nearest neighbour, no "
            "crop, no cap, no mirrored image, mean over images; scores of pixels of valid truth, "
            "and as its public code computes them, with invalid truth as 0 m",
            size=(224, 224),
            view=View(shrunk=(250, 333), crop=(228, 304)),
            flip=False,
            either_mask=True,
        ),
        Protocol(
            name="aligned",
            rule=EIGEN_RULE.format(
                "scale and shift fitted to each image by least squares, of the disparity (of "
                "the depth where a model gives it up to scale and shift), "
            ),
            size=(480, 640),
            crop=EIGEN_CROP,
            cap=EIGEN_CAP,
            alignment="scale and shift",
        ),
        Protocol(
            name="median",
            rule=EIGEN_RULE.format("scaled by the ratio of each image's medians, "),
            size=(480, 640),
            crop=EIGEN_CROP,
            cap=EIGEN_CAP,
            alignment="median",
        ),
    )
}


def get(name: str) -> Protocol:
    """The protocol called `name`; raises InputError with the nearest name when there is none."""
    if name in PROTOCOLS:
        return PROTOCOLS[name]
    raise InputError(f"unknown protocol '{name}'", advice=did_you_mean(name, PROTOCOLS))


def default_for(meaning: Meaning) -> str:
    """The protocol that a model of this meaning is scored by where none is named."""
    return "eigen" if meaning in METRIC else "aligned"


def predict_flip_averaged(predict: Predict, network_input: NDArray, mirror: Mirror) -> NDArray:
    """Predict an input and its mirror image, and average (paper, section IV-A); HxW."""
    return 0.5 * (predict(network_input) + predict(mirror(network_input))[:, ::-1])


def resize(values: NDArray, size: tuple[int, int], method: Image.Resampling) -> NDArray:
    """Resize a map HxW float32 to `size` (height, width)."""
    if values.shape == size:
        return values
    picture = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    return np.asarray(picture.resize(size[::-1], method))
