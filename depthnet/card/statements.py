"""Who says what of a model: its file, a card beside it, a card that is named, the options."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from depthbench.errors import InputError
from depthbench.suggest import did_you_mean
from depthnet.card.card import Card, parse
from depthnet.card.presets import PRESETS

METADATA = "depthbench.card"
OURS = "depthbench.format"
LARGEST = 1 << 20
EXPORTED = Card(
    layout="NCHW",
    channels="RGB",
    values="floats",
    range=(0.0, 1.0),
    mean=(0.0, 0.0, 0.0),
    std=(1.0, 1.0, 1.0),
    output="depth",
    meaning="metres",
)
"""What `depthbench export` writes."""


@dataclass(frozen=True)
class Statement:
    """A card, and where it comes from; a preset's size is only what models mostly have."""

    source: str
    card: Card
    is_preset: bool = False


def statements(
    path: Path,
    metadata: Mapping[str, str],
    cards: Sequence[str | Path | Mapping[str, Any]] = (),
    options: Mapping[str, Any] | None = None,
) -> list[Statement]:
    """What is said of the ONNX file at `path`, of which later statements win over earlier ones.

    In order: the file's `metadata`, `MODEL.onnx.json` beside it, `cards` (each a preset's name, a
    file, or fields) and `options` (fields). Raises InputError for what is no card.
    """
    found = []
    if OURS in metadata:
        found.append(Statement("depthbench's export", EXPORTED))
    if METADATA in metadata:
        source = f"{path}, metadata {METADATA}"
        found += _with_preset(_parsed(metadata[METADATA], source), source)
    beside = Path(f"{path}.json")
    if beside.is_file():
        found += _read(beside)
    for card in cards:
        if isinstance(card, Mapping):
            found += _with_preset(parse(card, "card"), "card")
        else:
            found += _named(str(card))
    if options:
        found.append(Statement("the options", parse(options, "the options")))
    return found


def merged(found: Sequence[Statement]) -> Card:
    """One card of all statements: only what is said."""
    card = Card()
    for statement in found:
        card = statement.card.over(card)
    return card


def to_keep(found: Sequence[Statement]) -> dict[str, Any]:
    """What is said, as JSON, for a file that is made of the model: its shapes are its size."""
    return {name: value for name, value in merged(found).said().items() if name != "size"}


def _named(name: str) -> list[Statement]:
    if name in PRESETS:
        return [_preset(name)]
    if Path(name).is_file():
        return _read(Path(name))
    advice = did_you_mean(name, PRESETS, f"give a .json file, or one of {', '.join(PRESETS)}")
    raise InputError(f"card {name!r}: no such file or preset", advice=advice)


def _read(file: Path) -> list[Statement]:
    if file.stat().st_size > LARGEST:
        raise InputError(f"{file}: larger than 1 MiB: not a model card")
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: not a model card: it is no JSON") from error
    return _with_preset(_parsed(text, str(file)), str(file))


def _parsed(text: str, source: str) -> Card:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source}: not a model card: it is no JSON") from error
    if not isinstance(fields, dict):
        raise InputError(f"{source}: not a model card", advice="write one JSON object")
    return parse(fields, source)


def _with_preset(card: Card, source: str) -> list[Statement]:
    own = Statement(source, card)
    if card.preset is None:
        return [own]
    if card.preset not in PRESETS:
        raise InputError(
            f"{source}: unknown preset {card.preset!r}", advice=did_you_mean(card.preset, PRESETS)
        )
    return [_preset(card.preset), own]


def _preset(name: str) -> Statement:
    return Statement(f"preset {name}", Card(preset=name).over(PRESETS[name]), is_preset=True)
