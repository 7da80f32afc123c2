"""From names of data sets to samples to learn from and samples to validate on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from depthbench.errors import InputError
from depthbench.progress import Progress
from depthnet.data import DepthDataset, open_dataset
from depthnet.training.batches.samples import Samples, concatenate, load_samples

HELD_OUT = 0.1
"""The share of the first source that is validated on and never learnt from."""

BLOCK = 16
"""Neighbouring pairs of a recording show the same room: they are held out together."""


@dataclass(frozen=True)
class TrainingData:
    """What a network learns from and is validated on; `description` says where it is from."""

    train: Samples
    held_out: Samples | None
    description: list[dict[str, Any]]


def gather(
    specs: Sequence[str],
    *,
    sample_size: tuple[int, int],
    input_size: tuple[int, int],
    held_out: float = HELD_OUT,
    fill: bool = False,
    progress: Progress = lambda line: None,
) -> TrainingData:
    """Read the training split of every source into memory.

    `specs`: as `open_dataset` takes them, each with an optional `@COUNT` for its first so many
    pairs. `held_out`: the share of the first source, in whole blocks of neighbours, that is set
    apart at the network's `input_size`; the rest is kept at `sample_size`, both (height,
    width), with `fill` after filling the holes of its depth. The test split is never opened.
    Raises InputError when a source cannot be read or nothing is left to learn from.
    """
    parts, description, validation = [], [], None
    for number, spec in enumerate(specs):
        dataset = open_source(spec)
        learnt, apart = hold_out(len(dataset), held_out if number == 0 else 0.0)
        if not learnt:
            raise InputError(f"data {spec}: nothing left to learn from; hold out less than 1")
        if apart:
            validation = load_samples(dataset, apart, input_size, progress)
        parts.append(load_samples(dataset, learnt, sample_size, progress, fill=fill))
        description.append(
            {
                "data": dataset.name,
                "split": dataset.split,
                "pairs": len(learnt),
                "held_out": len(apart),
                "holes": "filled" if fill else "left",
            }
        )
    if not parts:
        raise InputError("no data to train on: name at least one source")
    return TrainingData(concatenate(parts), validation, description)


def open_source(spec: str) -> DepthDataset:
    """Open the training split of `SPEC` or `SPEC@COUNT`."""
    name, at, count = spec.partition("@")
    if at and not count.isdecimal():
        raise InputError(f"data {spec!r}: the count after @ is a whole number, as in {name}@1000")
    return open_dataset(name, split="train", limit=int(count) if at else None)


def hold_out(count: int, share: float) -> tuple[list[int], list[int]]:
    """Divide `count` pairs: those to learn from, and `share` of them in blocks, evenly spread."""
    if not 0 <= share < 1:
        raise InputError(f"held-out share {share}: give a number from 0 to below 1")
    block = min(BLOCK, max(round(count * share), 1))
    blocks = round(count * share / block)
    starts = [round((k + 0.5) * count / blocks - block / 2) for k in range(blocks)]
    apart = sorted({start + k for start in starts for k in range(block) if start + k < count})
    chosen = set(apart)
    return [index for index in range(count) if index not in chosen], apart
