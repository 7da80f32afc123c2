"""What a model's file shows of its use where no card says it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from depthbench.errors import InputError
from depthbench.suggest import did_you_mean
from depthnet.card.card import Card
from depthnet.card.meaning import MEANINGS
from depthnet.card.port import Port

FLOATS = ("float16", "float32", "float64")
DISPARITY = ("disp", "inverse", "inv_depth", "invdepth")
DEPTH = ("depth", *DISPARITY)


@dataclass(frozen=True)
class Doubt:
    """What is taken though the file does not show it: of the image's input, or of the output."""

    what: str
    of_input: bool = True


@dataclass(frozen=True)
class Guess:
    """The input that takes the image, the card as the file shows it, and what it does not show."""

    image: Port
    card: Card
    doubts: tuple[Doubt, ...]


def guess(path: Path, inputs: Sequence[Port], outputs: Sequence[Port], said: Card) -> Guess:
    """What the ports show beyond what is `said`.

    Raises InputError where no input is an image, and where several outputs may be depth, or the
    one that is said is not there.
    """
    image = _image(path, inputs)
    stated = said.model_fields_set
    fields: dict[str, Any] = {
        "layout": "NHWC" if image.shape[1] != 3 and image.shape[3] == 3 else "NCHW",
        "values": "bytes" if image.dtype == "uint8" else "floats",
        "output": _output(path, outputs, said.output),
    }
    levels = "levels 0 to 255" if fields["values"] == "bytes" else "in [0, 1]"
    if fields["values"] == "bytes":
        fields["range"] = (0.0, 255.0)
    if any(mark in fields["output"].lower() for mark in DISPARITY):
        fields["meaning"] = "disparity"
    doubts = []
    if not stated & {"range", "mean", "std", "channels"}:
        doubts.append(Doubt(f"RGB {levels}"))
    if fields["layout"] == "NHWC" and "layout" not in stated:
        doubts.append(Doubt("layout NHWC, by its shape"))
    if "meaning" not in stated:
        meaning = MEANINGS[fields.get("meaning", "metres")]
        doubts.append(Doubt(f"output {fields['output']!r} is {meaning}", of_input=False))
    elif len(outputs) > 1 and "output" not in stated:
        doubts.append(Doubt(f"output {fields['output']!r} is the depth", of_input=False))
    return Guess(image, Card(**{**Card().model_dump(), **fields}), tuple(doubts))


def _image(path: Path, inputs: Sequence[Port]) -> Port:
    def takes_image(port: Port) -> bool:
        shape = port.shape
        return len(shape) == 4 and shape[0] in (0, 1) and (3 in shape[1::2] or 0 in shape[1::2])

    (first, *others) = inputs
    if not takes_image(first):
        shape = "x".join(str(edge or "?") for edge in first.shape) or "()"
        raise InputError(f"{path}: input {first.name!r} has shape {shape}, not 1x3xHxW nor 1xHxWx3")
    if others:
        names = ", ".join(port.name for port in others)
        raise InputError(f"{path} takes more than an image: {names}")
    if first.dtype not in (*FLOATS, "uint8"):
        raise InputError(f"{path} takes {first}: an image is floating point or uint8")
    return first


def _output(path: Path, outputs: Sequence[Port], said: str | None) -> str:
    names = [port.name for port in outputs]
    if said is not None:
        if said not in names:
            raise InputError(
                f"{path} has no output {said!r}",
                advice=did_you_mean(said, names, f"its outputs are {', '.join(names)}"),
            )
        return said
    maps = [port for port in outputs if _may_be_map(port)] or list(outputs)
    named = [port for port in maps if any(mark in port.name.lower() for mark in DEPTH)] or maps
    # Of several scales the largest is the result; of maps as large, the first.
    return max(named, key=lambda port: math.prod(port.shape) if port.shape else 0).name


def _may_be_map(port: Port) -> bool:
    """Whether the shape is that of a map of one channel, as far as the file gives it."""
    shape = port.shape
    if len(shape) == 4:
        return shape[1] in (0, 1) or shape[3] in (0, 1)
    return len(shape) in (0, 2, 3)
