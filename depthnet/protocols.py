"""How an image becomes an input, and a prediction a score: every figure names its protocol."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthnet.errors import InputError
from depthnet.metrics import Scores, score

Predict = Callable[[NDArray], NDArray]
"""Image 1x3xHxW float32 RGB in [0, 1] to depth 1x1xHxW float32 in metres."""


@dataclass(frozen=True)
class Protocol:
    """A scoring rule: the size at which depth is compared, the crop, the cap, the averaging.

    `size` (height, width): truth and prediction are brought to it before they are compared.
    `crop`: rows and columns that count. `cap`: metres; truth outside it does not count, and
    predictions are clamped to it.
    """

    name: str
    rule: str
    size: tuple[int, int]
    crop: tuple[slice, slice] | None = None
    cap: tuple[float, float] | None = None

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

    def score(self, prediction: NDArray, depth: NDArray) -> Scores:
        """Score one prediction (hxw, metres, any size) against a depth map (metres, any size).

        The prediction is resized bilinearly, the truth by nearest neighbour, so that depths of
        two surfaces are never mixed into one that is not there. Raises ValueError as
        `metrics.score` does.
        """
        truth = resize(depth, self.size, Image.Resampling.NEAREST)
        predicted = resize(prediction, self.size, Image.Resampling.BILINEAR)
        if self.cap:
            predicted = np.clip(predicted, *self.cap)
        return score(predicted, truth, self.mask(truth))


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
            rule="480x640, crop rows 45 to 471 and columns 41 to 601, depth 0.001 to 10 m, "
            "prediction averaged with that of the mirrored image, mean over images",
            size=(480, 640),
            crop=(slice(45, 471), slice(41, 601)),
            cap=(1e-3, 10.0),
        ),
    )
}


def get(name: str) -> Protocol:
    """The protocol called `name`; raises InputError with the nearest name when there is none."""
    if name in PROTOCOLS:
        return PROTOCOLS[name]
    near = difflib.get_close_matches(name, PROTOCOLS, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"choose one of {', '.join(PROTOCOLS)}"
    raise InputError(f"unknown protocol '{name}': {hint}")


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
