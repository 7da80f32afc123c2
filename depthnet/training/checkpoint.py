"""The whole state of a run in one file, written whole or not at all."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from depthbench.errors import InputError
from depthbench.files import write_whole
from depthnet.training.log import Row
from depthnet.weights.tensor_file import read_tensors

FORMAT = 4


@dataclass
class Position:
    """How far a run is: the next step, and what has been summed up to it.

    `step` counts within `epoch`; `loss_sum` is over this epoch; `seconds` is time spent
    training; `first_loss` is the mean of the run's first steps; `rows` is the log.
    """

    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    first_loss: float = 0.0
    recent_loss: float = 0.0
    seconds: float = 0.0
    rows: list[Row] = field(default_factory=list)


@dataclass
class Checkpoint:
    """A run at a moment: what it is (`identity`), where (`position`), and its tensors.

    There is no random state to keep: all that is random follows from the seed and the position.
    The learning rate follows from the position as well.
    """

    identity: dict[str, Any]
    position: Position
    origin: dict[str, Any]
    model: dict[str, Tensor]
    projections: dict[str, Tensor]
    optimizer: dict[str, Any]
    average: dict[str, Tensor] | None

    def save(self, path: Path) -> None:
        """Write to `path`; a full disk or a kill leaves the checkpoint that was there."""
        content = io.BytesIO()
        torch.save({"format": FORMAT, **vars(self), "position": vars(self.position)}, content)
        write_whole(path, content.getvalue())


def load(path: Path) -> Checkpoint:
    """Read a checkpoint without running code; raises InputError for what is not one."""
    loaded = read_tensors(path)
    if not isinstance(loaded, dict) or "format" not in loaded:
        raise InputError(f"{path}: not a training checkpoint")
    version = loaded.pop("format")
    if version != FORMAT:
        raise InputError(
            f"{path}: a checkpoint of format {version}, this version reads {FORMAT}; go on with "
            "the version that wrote it, or start in another folder"
        )
    try:
        return Checkpoint(**{**loaded, "position": Position(**loaded["position"])})
    except (TypeError, KeyError) as error:
        raise InputError(f"{path}: an incomplete checkpoint; start in another folder") from error


def check_same_run(path: Path, saved: dict[str, Any], asked: dict[str, Any]) -> None:
    """Raise InputError, naming the differences, unless a checkpoint is of the run asked for."""
    flat_saved, flat_asked = _flat(saved), _flat(asked)
    different = [
        f"{key} {flat_saved.get(key)} there, {flat_asked.get(key)} here"
        for key in dict.fromkeys([*flat_saved, *flat_asked])
        if flat_saved.get(key) != flat_asked.get(key)
    ]
    if different:
        raise InputError(
            f"{path} is of another run ({'; '.join(different[:3])}): give the same options, or "
            "another folder"
        )


def _flat(values: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(values, dict):
        parts = [_flat(value, f"{prefix}{key}.") for key, value in values.items()]
        return {key: value for part in parts for key, value in part.items()}
    # A tuple comes back from a file as it was, from JSON as a list.
    return {prefix[:-1]: list(values) if isinstance(values, tuple) else values}
