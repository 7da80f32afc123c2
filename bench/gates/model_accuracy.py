"""What one's own model gives on images, used as its baseline says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.gates.accuracy_gate import snapshot_of, truth_moved
from bench.gates.baseline import WRITE
from bench.gates.fingerprint import Held
from bench.gates.model_baseline import AccuracyPart
from bench.model_card import Asked, describe_model, said_of
from bench.models import Model
from depthbench.errors import InputError
from depthbench.progress import Progress

if TYPE_CHECKING:
    from depthnet.card.depth_model import DepthModel
    from depthnet.data.pair import DepthDataset


def score(
    model: Model,
    depth_model: DepthModel,
    data: str,
    split: str | None,
    limit: int | None,
    protocol: str | None,
    progress: Progress,
) -> AccuracyPart:
    """What a model, used as `depth_model` says, gives on the first `limit` images of a data set.

    What is None is all images of the test split, under the default protocol. Raises as
    `score_images` does.
    """
    from depthnet.data import open_dataset
    from depthnet.scoring import protocols

    rule = protocol or protocols.default_for(depth_model.card.meaning)
    protocols.get(rule).space(depth_model.card.meaning)
    dataset: DepthDataset = Held(open_dataset(data, split or "test", limit))
    return AccuracyPart(
        card=depth_model.card.said(),
        protocol=rule,
        data=dataset.name,
        split=dataset.split,
        images=len(dataset),
        network=snapshot_of(model, depth_model, [dataset], [rule], progress),
    )


def describe_as(path: Path, part: AccuracyPart, model: Model, asked: Asked) -> DepthModel:
    """How the model is used by the baseline at `path`; InputError where other use is `asked`."""
    for name, value in _said(model, asked).items():
        if (was := part.card.get(name)) != value:
            then = f"a card's {name} {was}" if was is not None else f"a card without {name}"
            raise InputError(f"{path} was written for {then}, not {value}", advice=WRITE)
    return describe_model(model, asked, compiled=part.card)


def check_asked(path: Path, part: AccuracyPart, asked: Mapping[str, Any]) -> None:
    """Raise InputError where a split, number of images or protocol is another than is `asked`."""
    for name, wanted in asked.items():
        if wanted is not None and wanted != (was := getattr(part, name)):
            raise written_for(path, name, was, wanted)


def check_images(path: Path, was: AccuracyPart, now: AccuracyPart, data: str) -> None:
    """Raise InputError where the images of `data` are not those of the baseline at `path`."""
    if now.data != was.data:
        raise written_for(path, "data", was.data, now.data)
    moved = truth_moved(was.network, now.network)
    if moved:
        raise InputError(
            f"{path} was written for other images than those of {data}: the first that differs "
            f"is {moved[0]}",
            advice=WRITE,
        )


def written_for(path: Path, what: str, was: object, now: object) -> InputError:
    """The error of a baseline that is of something else."""
    return InputError(f"{path} was written for {what} {was}, not {now}", advice=WRITE)


def _said(model: Model, asked: Asked) -> Mapping[str, Any]:
    from depthnet.card.statements import merged

    return merged(said_of(model, asked)).said()
