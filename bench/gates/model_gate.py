"""Does one's own model still give what its baseline says?

A baseline of one model also holds how that is used: its card, protocol and data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.gates.accuracy_gate import Snapshot, snapshot_of, truth_moved
from bench.gates.baseline import WRITE, Subject, read_model_baseline
from bench.gates.fingerprint import Held
from bench.model_card import Asked, describe_model, open_model, said_of
from bench.models import Model
from depthbench.errors import InputError
from depthbench.progress import Progress

if TYPE_CHECKING:
    from depthnet.card.depth_model import DepthModel
    from depthnet.data.pair import DepthDataset


@dataclass(frozen=True)
class Question:
    """What is to be checked: a model as `asked`, on a data set, under a protocol.

    What is None is the baseline's to say; without one, all images under the default protocol.
    """

    model: str
    asked: Asked
    data: str
    split: str | None = None
    limit: int | None = None
    protocol: str | None = None


@dataclass(frozen=True)
class Answer:
    """What a model gives, and all that this depends on."""

    subject: Subject
    networks: Snapshot


def take(question: Question, out: Path, progress: Progress) -> Answer:
    """What the model gives now, for a new baseline; raises as `score_images` does."""
    model = open_model(question.model, out, question.asked, progress=progress)
    depth_model = describe_model(model, question.asked)
    return _taken(question, model, depth_model, question.limit, progress)


def compare_with(
    path: Path, question: Question, out: Path, progress: Progress
) -> tuple[dict[str, Any], Answer]:
    """The baseline at `path`, and what the model gives now, used as the baseline says.

    Raises InputError, in one line, for a baseline of another model, card, protocol or data.
    """
    document, subject = read_model_baseline(path)
    model = open_model(question.model, out, question.asked, progress=progress)
    if subject.model != model.name and subject.operators != operators_of(model):
        raise _another(path, "model", subject.model, model.name)
    for name, value in _said(model, question.asked).items():
        if (was := subject.card.get(name)) != value:
            then = f"a card's {name} {was}" if was is not None else f"no card's {name}"
            raise InputError(f"{path} was written for {then}, not {value}", advice=WRITE)
    asked = {"split": question.split, "images": question.limit, "protocol": question.protocol}
    for name, wanted in asked.items():
        if wanted is not None and wanted != getattr(subject, name):
            raise _another(path, name, getattr(subject, name), wanted)
    depth_model = describe_model(model, question.asked, compiled=subject.card)
    as_then = replace(question, split=subject.split, protocol=subject.protocol)
    now = _taken(as_then, model, depth_model, subject.images, progress)
    if now.subject.data != subject.data:
        raise _another(path, "data", subject.data, now.subject.data)
    (before,), (found,) = document["networks"].values(), now.networks.values()
    moved = truth_moved(before, found)
    if moved:
        raise InputError(
            f"{path} was written for other images than those of {question.data}: the first that "
            f"differs is {moved[0]}",
            advice=WRITE,
        )
    # A file may be renamed; what is compared has one name.
    return {**document, "networks": {model.name: before}}, now


def operators_of(model: Model) -> str:
    """SHA-256 over what a model computes but for its weights' values and all names."""
    from compile.onnx import model_file

    digest = hashlib.sha256()
    for graph in model_file.graphs(model_file.read(model.path).proto.graph):
        for tensor in graph.initializer:
            digest.update(f"{tensor.data_type} {list(tensor.dims)}\n".encode())
        for node in graph.node:
            digest.update(f"{node.domain} {node.op_type} {len(node.input)}\n".encode())
            for attribute in sorted(node.attribute, key=lambda one: one.name):
                plain = not (attribute.HasField("t") or attribute.HasField("g"))
                digest.update(attribute.SerializeToString() if plain else attribute.name.encode())
    return digest.hexdigest()


def _said(model: Model, asked: Asked) -> Mapping[str, Any]:
    from depthnet.card.statements import merged

    return merged(said_of(model, asked)).said()


def _taken(
    question: Question,
    model: Model,
    depth_model: DepthModel,
    limit: int | None,
    progress: Progress,
) -> Answer:
    from depthnet.data import open_dataset
    from depthnet.scoring import protocols

    protocol = question.protocol or protocols.default_for(depth_model.card.meaning)
    protocols.get(protocol).space(depth_model.card.meaning)
    dataset: DepthDataset = Held(open_dataset(question.data, question.split or "test", limit))
    found = snapshot_of(model, depth_model, [dataset], [protocol], progress)
    subject = Subject(
        model=model.name,
        operators=operators_of(model),
        card=depth_model.card.said(),
        protocol=protocol,
        data=dataset.name,
        split=dataset.split,
        images=len(dataset),
    )
    return Answer(subject, {model.name: found})


def _another(path: Path, what: str, was: object, now: object) -> InputError:
    return InputError(f"{path} was written for {what} {was}, not {now}", advice=WRITE)
