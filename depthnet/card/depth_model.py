"""A depth model as its file and its card describe it together: an image in, a map out."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depthbench.errors import InputError
from depthnet.card import image_input
from depthnet.card.card import Card
from depthnet.card.guess import Doubt, guess
from depthnet.card.port import Port
from depthnet.card.statements import Statement, merged

BYTES = ((0.0, 255.0), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
"""Range, mean and std of levels as they are."""

log = logging.getLogger(__name__)

ASPECTS = 1.25
"""Times by which a map's aspect ratio may differ from the image's: crops differ by less."""


@dataclass(frozen=True)
class DepthModel:
    """How to use the model at `path`; `card` says everything, and fits the file.

    `input` takes the image.
    """

    path: Path
    card: Card
    input: Port

    @property
    def fixed_size(self) -> tuple[int, int] | None:
        """Height and width of the input; None where the file leaves one of them open."""
        height, width = _edges(self.card, self.input.shape)
        return (height, width) if height and width else None

    def input_size(self, image: tuple[int, int]) -> tuple[int, int]:
        """The size (height, width) that an image of size `image` is brought to.

        Raises InputError where the file leaves it open and the card says nothing of it.
        """
        if self.fixed_size:
            return self.fixed_size
        if self.card.size is None and self.card.multiple == 1:
            shape = "x".join(str(edge or "?") for edge in self.input.shape)
            raise InputError(
                f"{self.path}: input {self.input.name!r} has a dynamic shape ({shape})",
                advice="give the image's size with --size HEIGHT WIDTH or a card, or all edges "
                f"with --input-shape {self.input.name}=1x3x224x224",
            )
        sizes = image_input.input_size(image, self.card)
        file = _edges(self.card, self.input.shape)
        return file[0] or sizes[0], file[1] or sizes[1]

    def to_input(self, image: NDArray) -> NDArray:
        """An image HxWx3 uint8 RGB as the model's input."""
        height, width = image.shape[:2]
        size = self.input_size((height, width))
        return image_input.to_input(image, size, self.card, self.input.dtype)

    def mirrored(self, network_input: NDArray) -> NDArray:
        """The input of the mirrored image."""
        axis = 3 if self.card.layout == "NCHW" else 2
        return np.ascontiguousarray(np.flip(network_input, axis))

    def planes(self, network_input: NDArray) -> NDArray:
        """An input as 3xHxW, in its own order of channels."""
        image = network_input[0]
        return image if self.card.layout == "NCHW" else image.transpose(2, 0, 1)

    def depth_map(self, outputs: Mapping[str, NDArray], network_input: NDArray) -> NDArray:
        """The output that is depth as HxW float32, in what the card's `meaning` says.

        `outputs` are the model's for `network_input`; maps may have another size than that.
        Raises InputError where the output is no map of the image.
        """
        name = self.card.output or next(iter(outputs))
        if name not in outputs:
            raise InputError(f"{self.path} gives {', '.join(outputs)}, but no output {name!r}")
        values = np.asarray(outputs[name])
        height, width = self.planes(network_input).shape[1:]
        plane = _plane(values)
        if plane is None or not _same_aspect(plane.shape, (height, width)):
            shape = "x".join(map(str, values.shape)) or "a scalar"
            raise InputError(
                f"{self.path}: output {name!r} is {shape}, not a depth map of the {height}x{width} "
                "image",
                advice="where the model has another output, name it in the card",
            )
        floats = plane.astype(np.float32)
        if (self.card.scale, self.card.shift) != (1, 0):
            floats = floats * np.float32(self.card.scale) + np.float32(self.card.shift)
        return floats if self.card.clip is None else np.clip(floats, *self.card.clip)


def describe(
    path: Path,
    inputs: Sequence[Port],
    outputs: Sequence[Port],
    found: Sequence[Statement],
    *,
    only_input: bool = False,
) -> DepthModel:
    """Join what is said of a model with what its file shows.

    What neither says is taken as for depthbench's own models, with one warning in the log; with
    `only_input` only where it is of the input. Raises InputError as `fit` does.
    """
    model, doubts = _joined(path, inputs, outputs, found)
    lost = [one.source for one in found if one.card.calibration]
    if lost and not model.card.calibration:
        log.warning("%s: calibrated by %s, but other words on its output win", path, lost[-1])
    if told := [doubt.what for doubt in doubts if doubt.of_input or not only_input]:
        log.warning(
            "%s: no card says all of its use; taken: %s. Say it with --card, options or "
            "MODEL.onnx.json beside it",
            *(path, "; ".join(told)),
        )
    return model


def fit(
    path: Path, inputs: Sequence[Port], outputs: Sequence[Port], found: Sequence[Statement]
) -> DepthModel:
    """As `describe`, without a warning of what is guessed.

    Raises InputError where what is said does not fit the file, or it takes no image.
    """
    return _joined(path, inputs, outputs, found)[0]


def _joined(
    path: Path, inputs: Sequence[Port], outputs: Sequence[Port], found: Sequence[Statement]
) -> tuple[DepthModel, Sequence[Doubt]]:
    said = merged(found)
    guessed = guess(path, inputs, outputs, said)
    model = DepthModel(path, said.over(guessed.card), guessed.image)
    _check_form(model)
    _check_size(model, found)
    return model, guessed.doubts


def _check_form(model: DepthModel) -> None:
    """Raise InputError where the card contradicts itself or the file."""
    path, card, shape = model.path, model.card, model.input.shape
    layout = f"{path} takes {model.input}"
    channels = shape[1] if card.layout == "NCHW" else shape[3]
    if channels not in (0, 3):
        raise InputError(f"{layout}, which is not {card.layout}", advice="correct its card")
    if (card.values == "bytes") != (model.input.dtype == "uint8"):
        raise InputError(f"{layout}, not {card.values}", advice="correct its card")
    if card.values == "bytes" and (card.range, card.mean, card.std) != BYTES:
        raise InputError(
            f"{layout}: bytes have neither mean and std nor a range other than 0 to 255",
            advice="correct its card",
        )
    low, high = card.range
    if outside := [mean for mean in card.mean if not low <= mean <= high]:
        raise InputError(
            f"{path}: a mean of {outside[0]:g} for an image of {low:g} to {high:g}",
            advice="say the levels that it is of, as with --range 0 255",
        )
    if card.antialias and card.align_corners:
        raise InputError(f"{path}: its card aligns corners, which goes without antialiasing")
    if not card.antialias and card.interpolation == "lanczos":
        raise InputError(f"{path}: its card asks for lanczos, which goes with antialiasing only")


def _check_size(model: DepthModel, found: Sequence[Statement]) -> None:
    path, card = model.path, model.card
    edges = _edges(card, model.input.shape)
    for statement in reversed(found):
        if statement.card.size is None or statement.is_preset:
            continue
        height, width = statement.card.size
        if any(edge % card.multiple for edge in (height, width)):
            raise InputError(
                f"{statement.source}: size {height}x{width} is no multiple of {card.multiple}"
            )
        if any(edge and edge != one for edge, one in zip(edges, (height, width), strict=True)):
            raise InputError(
                f"{statement.source}: size {height}x{width}, but {path} takes {model.input}",
                advice="leave the size out, or correct its card",
            )
        break
    if any(edge % card.multiple for edge in edges):
        raise InputError(
            f"{path} takes {model.input}, whose size is no multiple of {card.multiple}: the card "
            "is another model's"
        )


def _edges(card: Card, shape: tuple[int, ...]) -> tuple[int, int]:
    """Height and width, 0 where they are open."""
    return (shape[2], shape[3]) if card.layout == "NCHW" else (shape[1], shape[2])


def is_map(shape: tuple[int, ...], image: tuple[int, int]) -> bool:
    """Whether an output of this shape may be a map of an image of that height and width."""
    plane = _plane(np.broadcast_to(np.float32(0), shape))
    return plane is not None and _same_aspect(plane.shape, image)


def _plane(values: NDArray) -> NDArray | None:
    """HxW of 1x1xHxW, 1xHxWx1, 1xHxW, HxWx1 or HxW; None for another shape or type."""
    if values.dtype.kind not in "fiu" or values.ndim not in (2, 3, 4):
        return None
    if values.ndim == 4:
        if values.shape[0] != 1:
            return None
        values = values[0]
    if values.ndim == 3:
        if values.shape[0] == 1:
            values = values[0]
        elif values.shape[2] == 1:
            values = values[..., 0]
        else:
            return None
    return values if min(values.shape) >= 2 else None


def _same_aspect(one: tuple[int, ...], other: tuple[int, int]) -> bool:
    ratio = (one[0] / one[1]) / (other[0] / other[1])
    return 1 / ASPECTS <= ratio <= ASPECTS
