"""What a model card says: an image's form on its way in, and the meaning of what comes out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, field_validator

from depthbench.errors import InputError
from depthbench.suggest import did_you_mean
from depthnet.card.meaning import Meaning

Layout = Literal["NCHW", "NHWC"]
Channels = Literal["RGB", "BGR"]
Values = Literal["floats", "bytes"]
Fit = Literal["stretch", "lower_bound", "upper_bound", "minimal"]
Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]
Edge = Annotated[int, Field(ge=2, le=16384)]
Positive = Annotated[FiniteFloat, Field(gt=0)]
Mean = tuple[FiniteFloat, FiniteFloat, FiniteFloat]
Std = tuple[Positive, Positive, Positive]
ZERO, ONE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


CALIBRATED = ("meaning", "scale", "shift")
"""The fields that a calibration finds."""


class Calibration(BaseModel):
    """Where a card's meaning, scale and shift are from, when distances were measured.

    `focal` is the geometric mean of the focal lengths over that of width and height, in pixels,
    of the pictures that were measured: predictions grow with it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    points: Annotated[int, Field(ge=1, description="Measured distances that were used.")]
    pictures: Annotated[int, Field(ge=1, description="Pictures that they lie in.")]
    nearest_m: Annotated[Positive, Field(description="The nearest of them.")]
    farthest_m: Annotated[Positive, Field(description="The farthest of them.")]
    focal: Annotated[
        Positive | None, Field(description="Of the pictures; null where nobody says.")
    ] = None
    meaning: Annotated[Meaning, Field(description="Of the output before.")]
    scale: Annotated[FiniteFloat, Field(description="Of the output before.")]
    shift: Annotated[FiniteFloat, Field(description="Of the output before.")]


class Card(BaseModel):
    """What is known of a model; what is not set is not said.

    An image of 8-bit RGB is resized, its levels 0 to 255 become `range`, and `mean` is subtracted
    and the rest divided by `std`, channel by channel in the order of `channels`. What the model
    gives, times `scale` plus `shift` and no farther than `clip`, is what `meaning` says.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    preset: Annotated[str | None, Field(description="The preset that the rest goes on from.")] = (
        None
    )
    layout: Annotated[Layout, Field(description="Order of the input's axes.")] = "NCHW"
    channels: Annotated[Channels, Field(description="Order of the input's channels.")] = "RGB"
    values: Annotated[
        Values, Field(description="Whether the input is floating point, or levels as uint8.")
    ] = "floats"
    range: Annotated[
        tuple[FiniteFloat, FiniteFloat],
        Field(description="What black and white are, before mean and std."),
    ] = (0.0, 1.0)
    mean: Annotated[Mean, Field(description="Of each channel, in the units of range.")] = ZERO
    std: Annotated[Std, Field(description="Of each channel, in the units of range.")] = ONE
    size: Annotated[
        tuple[Edge, Edge] | None,
        Field(description="Height and width of the input, where the file leaves them open."),
    ] = None
    multiple: Annotated[
        int, Field(ge=1, le=1024, description="Height and width are multiples of it.")
    ] = 1
    fit: Annotated[
        Fit,
        Field(
            description="How an image comes to size where the file leaves it open: by stretching, "
            "or with its aspect ratio kept and size as the least, the most, or what changes the "
            "image least."
        ),
    ] = "stretch"
    interpolation: Annotated[Interpolation, Field(description="How images are resized.")] = (
        "bilinear"
    )
    antialias: Annotated[
        bool, Field(description="As Pillow resizes; else as OpenCV and PyTorch do, without.")
    ] = True
    align_corners: Annotated[
        bool, Field(description="Whether corners stay in place; only without antialiasing.")
    ] = False
    output: Annotated[str | None, Field(description="Name of the output that is depth.")] = None
    meaning: Annotated[Meaning, Field(description="What the output is.")] = "metres"
    scale: Annotated[FiniteFloat, Field(description="What the output is multiplied by.")] = 1.0
    shift: Annotated[FiniteFloat, Field(description="What is added to it then.")] = 0.0
    clip: Annotated[
        tuple[FiniteFloat, FiniteFloat] | None,
        Field(description="The least and the most that it is then, in the unit of meaning."),
    ] = None
    calibration: Annotated[
        Calibration | None, Field(description="Where scale and shift are from, if measured.")
    ] = None

    @field_validator("range", "clip")
    @classmethod
    def _rises(cls, ends: tuple[float, float] | None) -> tuple[float, float] | None:
        if ends is not None and not ends[0] < ends[1]:
            raise ValueError("must rise, as in [0, 1]")
        return ends

    @field_validator("scale")
    @classmethod
    def _scales(cls, scale: float) -> float:
        if scale == 0:
            raise ValueError("must not be 0")
        return scale

    def said(self) -> dict[str, Any]:
        """The fields that are set, as JSON has them."""
        return self.model_dump(mode="json", exclude_unset=True, exclude_none=True)

    def over(self, other: Card) -> Card:
        """`other`, with what this card says in place of what it says.

        A calibration goes, with its clip, where this card says something else than it found.
        """
        mine, theirs = self.said(), other.said()
        if any(mine.get(name, theirs.get(name)) != theirs.get(name) for name in CALIBRATED):
            theirs.pop("calibration", None)
            theirs.pop("clip", None)
        return Card.model_validate_json(json.dumps({**theirs, **mine}))


def parse(fields: Mapping[str, Any], where: str) -> Card:
    """A card of fields as JSON has them; raises InputError, which names `where`, in one line."""
    try:
        return Card.model_validate_json(json.dumps(fields))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise _refusal(first["type"], first["loc"], first["msg"], where) from error
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: not a model card: {error}") from error


def _refusal(fault: str, place: tuple[int | str, ...], message: str, where: str) -> InputError:
    name = str(place[0]) if place else "card"
    if fault == "extra_forbidden":
        return InputError(
            f"{where}: a model card has no {name!r}",
            advice=did_you_mean(name, Card.model_fields),
        )
    if fault in ("too_long", "missing"):
        count = {"mean": 3, "std": 3}.get(name, 2)
        return InputError(f"{where}: {name!r} must be {count} numbers")
    said = message.removeprefix("Value error, ").replace("Input s", "s")
    return InputError(f"{where}: {name!r} {said[0].lower()}{said[1:]}")
