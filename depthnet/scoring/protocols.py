"""How an image becomes an input, and a prediction a score: every figure names its protocol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthbench.errors import InputError
from depthbench.suggest import did_you_mean
from depthnet.scoring.alignment import Alignment, align
from depthnet.scoring.metrics import Scores, score

Predict = Callable[[NDArray], NDArray]
"""Image 1x3xHxW float32 RGB in [0, 1] to depth 1x1xHxW float32 in metres."""


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
    """A prediction and the truth as they are compared: HxW metres, and the pixels that count."""

    prediction: NDArray
    truth: NDArray
    mask: NDArray

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
    reported too. `rule` says all this in words.
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

    def predict(self, predict: Predict, image: NDArray) -> NDArray:
        """Predict an input (1x3xHxW) as the protocol does, flip-averaged or not; HxW metres."""
        return predict_flip_averaged(predict, image) if self.flip else predict(image)[0, 0]

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

    def compare(self, prediction: NDArray, depth: NDArray) -> Comparison:
        """Bring a prediction and a depth map (HxW metres, any sizes, after `apply_view`) together.

        The prediction is resized bilinearly, the truth by nearest neighbour, so that depths of
        two surfaces are never mixed into one that is not there. Raises ValueError when there is
        nothing to align with.
        """
        truth = resize(depth, self.size, Image.Resampling.NEAREST)
        mask = self.mask(truth)
        predicted = resize(prediction, self.size, Image.Resampling.BILINEAR)
        farthest = self.cap[1] if self.cap else float("inf")
        predicted = align(predicted, truth, mask, self.alignment, farthest)
        if self.cap:
            predicted = np.clip(predicted, *self.cap)
        return Comparison(predicted, truth, mask)

    def score(self, prediction: NDArray, depth: NDArray) -> Scores:
        """Score one prediction against a depth map, as `compare` brings them together.

        Raises ValueError as `compare` and `metrics.score` do.
        """
        return self.compare(prediction, depth).score()


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
                "scale and shift of the disparity fitted to each image by least squares, "
            ),
            size=(480, 640),
            crop=EIGEN_CROP,
            cap=EIGEN_CAP,
            alignment="disparity",
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


def to_input(image: NDArray, size: tuple[int, int]) -> NDArray:
    """An RGB image HxWx3 uint8 as network input 1x3xhxw float32 in [0, 1], resized to `size`.

    Bilinear with antialiasing; the aspect ratio is not kept, as in the paper (640x480 becomes
    224x224).
    """
    picture = Image.fromarray(image)
    if picture.size != size[::-1]:
        picture = picture.resize(size[::-1], Image.Resampling.BILINEAR)
    scaled = np.asarray(picture, dtype=np.float32) / np.float32(255)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])


def predict_flip_averaged(predict: Predict, image: NDArray) -> NDArray:
    """Predict an input and its mirror image, and average (paper, section IV-A); HxW metres."""
    mirrored = np.ascontiguousarray(image[..., ::-1])
    return 0.5 * (predict(image)[0, 0] + predict(mirrored)[0, 0, :, ::-1])


def resize(values: NDArray, size: tuple[int, int], method: Image.Resampling) -> NDArray:
    """Resize a map HxW float32 to `size` (height, width)."""
    if values.shape == size:
        return values
    picture = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    return np.asarray(picture.resize(size[::-1], method))
