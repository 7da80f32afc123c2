"""Where the weights of a network come from.

In records and in an ONNX file's metadata an origin is a JSON object, told apart by its `kind`:
`random`, `imagenet`, `weights` or `trained`. `str` of it is the phrase that people read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_type_hints

from depthbench.errors import InputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

SHOWN_DIGITS = 12
"""Of a SHA-256, in a phrase."""
EXPORT_AGAIN = "export the network again with this version"


@dataclass(frozen=True)
class Random:
    """All weights were drawn at random."""

    seed: int
    kind: Literal["random"] = "random"

    @property
    def start(self) -> str:
        """What a training that starts here starts from, as a phrase."""
        return f"random, seed {self.seed}"

    def __str__(self) -> str:
        return f"untrained ({self.start})"


@dataclass(frozen=True)
class ImageNet:
    """The encoder was trained on ImageNet; the decoder's weights were drawn at random.

    `file` and `sha256`: the file of the encoder's weights; None where they are timm's.
    """

    seed: int
    file: str | None = None
    sha256: str | None = None
    kind: Literal["imagenet"] = "imagenet"

    @property
    def start(self) -> str:
        """What a training that starts here starts from, as a phrase."""
        file = f" ({self.file})" if self.file else ""
        return f"ImageNet encoder{file}, random decoder, seed {self.seed}"

    def __str__(self) -> str:
        return f"untrained ({self.start})"


@dataclass(frozen=True)
class Weights:
    """All weights are those of a file; how these came to be is not known."""

    file: str
    sha256: str
    kind: Literal["weights"] = "weights"

    @property
    def start(self) -> str:
        """What a training that starts here starts from, as a phrase."""
        return f"{self.file} ({self.sha256[:SHOWN_DIGITS]})"

    def __str__(self) -> str:
        return f"weights of {self.start}"


Start = Random | ImageNet | Weights
"""What a training starts from."""


@dataclass(frozen=True)
class Source:
    """Pairs of image and depth that were trained on: the data set's name, its split, how many."""

    name: str
    split: str
    pairs: int


@dataclass(frozen=True)
class Pruned:
    """Channels were taken away: `parameters` are left of the network's `of`."""

    parameters: int
    of: int

    def __str__(self) -> str:
        return f"pruned to {self.parameters / self.of:.0%} of its parameters"


@dataclass(frozen=True)
class Trained:
    """Trained for depth: from what, on which data, for how many epochs in how many stages.

    A stage is one run; all after the first fine-tune the weights of the one before. `pruned`:
    what was left of the network between them, where channels were taken away.
    """

    trained_from: Start
    data: tuple[Source, ...]
    epochs: int
    stages: int
    pruned: Pruned | None = None
    kind: Literal["trained"] = "trained"

    def __str__(self) -> str:
        sources = ", ".join(f"{source.pairs} pairs of {source.name}" for source in self.data)
        stages = f" in {self.stages} stages" if self.stages > 1 else ""
        pruned = f"; {self.pruned}" if self.pruned else ""
        return (
            f"trained ({self.trained_from.start}; {sources}; {self.epochs} epochs{stages}{pruned})"
        )


Origin = Random | ImageNet | Weights | Trained

KINDS: dict[str, type[Origin]] = {kind.kind: kind for kind in (Random, ImageNet, Weights, Trained)}


def to_dict(origin: Origin) -> dict[str, Any]:
    """The origin as a JSON object."""
    values: dict[str, Any] = _plain(origin)
    return values


def from_dict(values: Any) -> Origin:
    """The origin that `to_dict` wrote; raises InputError for anything else."""
    try:
        kind = KINDS[values["kind"]]
        if kind is not Trained:
            return _made(kind, values)
        start = start_of(values["trained_from"])
        data = tuple(_made(Source, source) for source in values["data"])
        left = values.get("pruned")
        pruned = None if left is None else _made(Pruned, left)
        made = {"trained_from": start, "data": data, "pruned": pruned}
        return _made(Trained, {**values, **made})
    except (TypeError, KeyError) as error:
        raise InputError(f"no origin of weights: {_short(values)}", advice=EXPORT_AGAIN) from error


def start_of(values: Any) -> Start:
    """What a training started from, as `to_dict` wrote it; raises InputError for anything else."""
    origin = from_dict(values)
    if isinstance(origin, Trained):
        raise InputError("a training that starts from a training has that as `before`")
    return origin


def to_json(origin: Origin) -> str:
    """The origin as one line of JSON."""
    return json.dumps(to_dict(origin), sort_keys=True)


def from_json(text: str) -> Origin:
    """The origin that `to_json` wrote; raises InputError for anything else."""
    try:
        return from_dict(json.loads(text))
    except json.JSONDecodeError as error:
        raise InputError(f"no origin of weights: {_short(text)}", advice=EXPORT_AGAIN) from error


def of_training(record: Mapping[str, Any]) -> Trained:
    """The origin of weights by the record of their training; raises InputError for no record.

    The record of a run that fine-tuned weights holds the record of these as `before`, and so
    does that of a network which was pruned and has not been trained since.
    """
    runs = [record]
    while before := runs[-1].get("before"):
        runs.append(before)
    trainings = [run for run in runs if "epochs" in run] or runs
    try:
        start = start_of(trainings[-1]["trained_from"])
        # What has no depth is no pair.
        data = tuple(
            Source(s["data"], s["split"], s["pairs"]) for s in trainings[0]["data"] if "pairs" in s
        )
        epochs = sum(run["epochs"] for run in trainings)
        pruned = _made(Pruned, record["pruned"]) if "pruned" in record else None
    except (TypeError, KeyError) as error:
        raise InputError(f"no record of a training: {_short(record)}") from error
    return Trained(start, data, epochs, len(trainings), pruned)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if not is_dataclass(value):
        return value
    values = {field.name: getattr(value, field.name) for field in fields(value)}
    return {name: _plain(one) for name, one in values.items() if one is not None}


def _made(kind: type[T], values: Mapping[str, Any]) -> T:
    """A dataclass of plain values, which are of the types that it says; else TypeError."""
    given = {field.name: values[field.name] for field in fields(kind) if field.name in values}
    made = kind(**given)
    for name, wanted in get_type_hints(kind).items():
        value = getattr(made, name)
        plain = wanted in (int, str, str | None)
        if plain and (not isinstance(value, wanted) or isinstance(value, bool)):
            raise TypeError(f"{name} is {value!r}")
    return made


def _short(values: Any) -> str:
    text = str(values)
    return text if len(text) <= 80 else text[:77] + "..."
