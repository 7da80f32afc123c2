"""What a user says of a model's use: a card, and options that win over it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import click

from bench.cli.options import input_shape_option
from bench.cli.parameter_types import Name
from bench.model_card import Asked


def _presets() -> Iterable[str]:
    from depthnet.card.presets import PRESETS

    return PRESETS


def _meanings() -> Iterable[str]:
    from depthnet.card.meaning import MEANINGS

    return MEANINGS


OF_THE_INPUT = (
    click.option(
        "--card",
        type=Name("card", _presets, others=True),
        metavar="PRESET|FILE",
        help="How the model is used: midas-small, depth-anything-v2, monodepth2, zoedepth, dpt, or "
        "a .json file.  [default: MODEL.onnx.json, where it is there, or the file's metadata]",
    ),
    click.option(
        "--range",
        "levels",
        type=float,
        nargs=2,
        metavar="BLACK WHITE",
        help="The image's levels before mean and std.  [default: 0 1]",
    ),
    click.option(
        "--mean", type=float, nargs=3, metavar="R G B", help="What is subtracted from the image."
    ),
    click.option(
        "--std", type=float, nargs=3, metavar="R G B", help="What the image is divided by then."
    ),
    click.option("--bgr", is_flag=True, help="The model takes blue first."),
    click.option(
        "--size",
        type=click.IntRange(min=2),
        nargs=2,
        metavar="HEIGHT WIDTH",
        help="Of the image, where the model leaves it open.",
    ),
)
CARD_OPTIONS = (
    *("--card", "--range", "--mean", "--std", "--bgr", "--size", "--input-shape"),
    *("--meaning", "--output"),
)
"""How a model's use is said, where a command takes all of it."""

MEANING = click.option(
    "--meaning",
    type=Name("meaning", _meanings),
    metavar="MEANING",
    help="What the output is: metres, inverse-metres, disparity (1 / depth up to scale and shift) "
    "or relative (depth up to scale and shift).",
)


def card_options(
    *, meaning: bool = True, output: str = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options that say how an image goes in, joined in the argument `asked`.

    With `meaning` also the option of that name; `output` is what the option is called that names
    the output which is depth, where there is one.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def joined(
            *,
            card: str | None,
            levels: tuple[float, float] | None,
            bgr: bool,
            size: tuple[int, int] | None,
            shapes: tuple[tuple[str, tuple[int, ...]], ...],
            **others: Any,
        ) -> Any:
            names = ("mean", "std", *["meaning"] * meaning, *["output"] * bool(output))
            fields = {name: others.pop(name) for name in names}
            fields |= {"range": levels, "channels": "BGR" if bgr else None}
            said = {name: value for name, value in fields.items() if value is not None}
            return command(asked=Asked(card, said, dict(shapes), size), **others)

        options = [
            *OF_THE_INPUT,
            input_shape_option,
            *[MEANING] * meaning,
        ]
        if output:
            text = "Which of the model's outputs is depth."
            options.append(click.option(output, "output", help=text))
        for option in reversed(options):
            joined = option(joined)
        return joined

    return decorate
