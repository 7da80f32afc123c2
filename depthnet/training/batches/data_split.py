"""From names of data sets to samples to learn from and samples to validate on."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from depthbench.errors import InputError
from depthnet.data import DepthDataset, open_dataset
from depthnet.training.batches.photos import Photos
from depthnet.training.batches.samples import Samples, concatenate, load_samples

T = TypeVar("T")

_Source = tuple[Samples, dict[str, Any]]

HELD_OUT = 0.1
"""The share of the first source that is validated on and never learnt from."""

BLOCK = 16
"""How many neighbours are held out together where nothing says where a scene ends."""


@dataclass(frozen=True)
class TrainingData:
    """What a network learns from and is validated on; `description` says where it is from.

    `sizes`: how many of `train` each source gave, in order.
    """

    train: Samples
    held_out: Samples | None
    description: list[dict[str, Any]]
    sizes: list[int] = field(default_factory=list)


class Library:
    """What was read once is there for all runs of a process."""

    def __init__(self) -> None:
        self._read: dict[Hashable, Any] = {}

    def once(self, key: Hashable, read: Callable[[], T]) -> T:
        """What `read` gave when `key` was first asked for."""
        if key not in self._read:
            self._read[key] = read()
        kept: T = self._read[key]
        return kept


def gather(
    specs: Sequence[str],
    *,
    sample_size: tuple[int, int],
    input_size: tuple[int, int],
    unlabelled: Sequence[Path] = (),
    held_out: float = HELD_OUT,
    neighbours: bool = False,
    fill: bool = False,
    library: Library | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> TrainingData:
    """Read the training split of every source into memory, and all `unlabelled` pictures.

    `specs`: as `open_dataset` takes them, each with an optional `@COUNT` for its first so many
    pairs. `unlabelled`: folders of pictures. `held_out`: the share of the first source, in whole
    scenes, that is set apart at the network's `input_size`, with `neighbours` in blocks whatever
    scene they are of; the rest is kept at `sample_size`, both (height, width), with `fill` after
    filling the holes of its depth. The test split is never opened. `library`: of the process,
    where several runs read the same. Raises InputError when a source cannot be read or nothing is
    left to learn from.
    """
    if not specs:
        raise InputError("no data to train on: name at least one source")
    library = library or Library()
    shares = [held_out if number == 0 else 0.0 for number in range(len(specs))]
    sources = []
    for spec, share in zip(specs, shares, strict=True):
        read = partial(_pairs, spec, share, neighbours, sample_size, fill, progress)
        sources.append(library.once((spec, share, neighbours, sample_size, fill), read))
    for folder in unlabelled:
        look = partial(_pictures, folder, sample_size, progress)
        sources.append(library.once((folder, sample_size), look))
    parts = [samples for samples, _ in sources]
    return TrainingData(
        train=library.once((*map(id, parts),), partial(concatenate, parts)),
        held_out=library.once(
            (specs[0], held_out, neighbours, input_size),
            partial(_held_out, specs[0], held_out, neighbours, input_size, progress),
        ),
        description=[description for _, description in sources],
        sizes=[len(part) for part in parts],
    )


def _pairs(
    spec: str,
    share: float,
    neighbours: bool,
    size: tuple[int, int],
    fill: bool,
    progress: Callable[[str], None],
) -> _Source:
    dataset = open_source(spec)
    learnt, apart = hold_out(_numbers(dataset, neighbours), share)
    if not learnt:
        raise InputError(f"data {spec}: nothing left to learn from; hold out less than 1")
    description = {
        "data": dataset.name,
        "split": dataset.split,
        "pairs": len(learnt),
        "held_out": len(apart),
        "holes": "filled" if fill else "left",
    }
    return load_samples(dataset, learnt, size, progress, fill=fill), description


def _held_out(
    spec: str,
    share: float,
    neighbours: bool,
    size: tuple[int, int],
    progress: Callable[[str], None],
) -> Samples | None:
    dataset = open_source(spec)
    _, apart = hold_out(_numbers(dataset, neighbours), share)
    return load_samples(dataset, apart, size, progress) if apart else None


def _pictures(folder: Path, size: tuple[int, int], progress: Callable[[str], None]) -> _Source:
    photos = Photos(folder)
    samples = load_samples(photos, range(len(photos)), size, progress)
    return samples, {"data": photos.name, "split": photos.split, "pictures": len(photos)}


def open_source(spec: str) -> DepthDataset:
    """Open the training split of `SPEC` or `SPEC@COUNT`."""
    name, at, count = spec.partition("@")
    if at and not count.isdecimal():
        raise InputError(f"data {spec!r}: the count after @ is a whole number, as in {name}@1000")
    return open_dataset(name, split="train", limit=int(count) if at else None)


def numbers_of(dataset: DepthDataset) -> Sequence[int]:
    """The numbers of a data set's pairs in the order they were recorded in.

    NYU's labelled pairs have such numbers, in which whole scenes went to either split.
    """
    given: Sequence[int] | None = getattr(dataset, "numbers", None)
    return range(len(dataset)) if given is None else given


def _numbers(dataset: DepthDataset, neighbours: bool) -> Sequence[int]:
    return range(len(dataset)) if neighbours else numbers_of(dataset)


def hold_out(numbers: Sequence[int], share: float) -> tuple[list[int], list[int]]:
    """Divide pairs: the positions of those to learn from, and of about `share` of them.

    `numbers`: of the pairs, rising. Where one is missing another scene of the other split lies
    between, so that runs without a gap are whole scenes: they are held out whole, evenly spread.
    Pairs without any gap are held out in blocks of neighbours.
    """
    if not 0 <= share < 1:
        raise InputError(f"held-out share {share}: give a number from 0 to below 1")
    count = len(numbers)
    places = np.arange(count)
    runs = np.split(places, np.flatnonzero(np.diff(np.asarray(numbers, dtype=int)) > 1) + 1)
    if len(runs) == 1:
        apart = _blocks(count, share)
    else:
        chosen_runs = [run for k, run in enumerate(runs) if _due(k + 1, share) > _due(k, share)]
        apart = [int(place) for run in chosen_runs for place in run]
    chosen = set(apart)
    return [index for index in range(count) if index not in chosen], apart


def _due(runs: int, share: float) -> int:
    """How many of the first so many runs are to be held out."""
    return int(runs * share + 0.5)


def _blocks(count: int, share: float) -> list[int]:
    block = min(BLOCK, max(round(count * share), 1))
    blocks = round(count * share / block)
    starts = [round((k + 0.5) * count / blocks - block / 2) for k in range(blocks)]
    return sorted({start + k for start in starts for k in range(block) if start + k < count})
