"""The models of a plan: networks, and files of the user's."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.model_card import NOTHING, Asked, card_to_keep, open_model, said_of, shapes_of
from bench.models import Model, export_network, load_model, names_network, names_weights
from bench.sweep.plan.faults import Faults
from bench.sweep.plan.plan import ModelEntry
from bench.sweep.result import Made, keep_model
from bench.sweep.task import Task, make_task
from depthbench.errors import InputError
from depthbench.files import write_whole
from depthnet import zoo
from depthnet.card.depth_model import DepthModel, fit
from depthnet.card.presets import PRESETS
from depthnet.zoo import by

Size = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Subject:
    """A model of a plan: an ONNX `file`, as its user `asked`, or else a network.

    The network has the `weights` of the user's file, or those that it ships with.
    """

    name: str
    file: Model | None = None
    asked: Asked = field(default=NOTHING)
    network: str = ""
    weights: Path | None = None

    @property
    def path(self) -> Path | None:
        """The user's file; None for a network as it ships."""
        return self.file.path if self.file else self.weights

    @property
    def quantised(self) -> bool:
        """Whether the file is in bytes already."""
        return self.file is not None and self.file.quantised

    @property
    def trained(self) -> bool:
        """Whether it is worth scoring; of a file that is taken to be so."""
        from depthnet.weights import pretrained

        return self.path is not None or pretrained.weights_path(self.name) is not None

    def depth_model(self) -> DepthModel | None:
        """How a file takes an image and gives depth; raises InputError where it does not."""
        if self.file is None:
            return None
        return fit(
            self.file.file, self.file.inputs, self.file.outputs, said_of(self.file, self.asked)
        )

    def size(self, asked: Size | None) -> Size | None:
        """Height and width of the image, None where a file of no image keeps its own.

        Raises InputError where the model does not take what is asked for.
        """
        if self.file is None:
            entry = zoo.get(self.network)
            size = asked or entry.input_size
            entry.check_size(size)
            return size
        open_axes = any(0 in port.shape for port in self.file.inputs)
        if asked is None and open_axes:
            raise InputError(f"{self.file.path} leaves its size open", advice="name its sizes")
        if asked is None:
            try:
                model = self.depth_model()
            except InputError:
                return None
            return model.fixed_size if model else None
        shapes = shapes_of(self.file, self.asked_at(asked))
        card_to_keep(self.file, self.asked_at(asked))  # refuses a size that does not fit
        if open_axes and not shapes:
            raise InputError(f"{self.file.path} leaves open what is no size of an image")
        return asked

    def asked_at(self, size: Size | None) -> Asked:
        """What is said of its use, at a size."""
        return Asked(card=self.asked.card, size=size)

    def is_own(self, size: Size | None) -> bool:
        """Whether a size that it takes is the network's own, or the only one of a file."""
        if size is None:
            return True
        if self.file is None:
            return size == zoo.get(self.network).input_size
        return all(0 not in port.shape for port in self.file.inputs)

    def name_at(self, size: Size | None) -> str:
        """Its name, with the size where that is not its own."""
        return self.name if size is None or self.is_own(size) else f"{self.name}-{by(size)}"

    def export(self, size: Size | None) -> Task:
        """The task that makes its ONNX file; a file of the user's is brought by the driver."""
        name = self.name_at(size)
        if self.file is None:
            from depthnet.export.export_cache import made_from

            entry = zoo.get(self.network)
            edges = size or entry.input_size
            settings: dict[str, Any] = {
                "network": entry.name,
                "name": name,
                "size": list(edges),
                "made_from": made_from(entry, edges, self.weights),
            }
            if self.weights is None:
                return make_task("export", settings)
            return make_task("export", {**settings, "weights": self.weights.name}, where="driver")
        asked = self.asked_at(size)
        shapes = {key: list(shape) for key, shape in shapes_of(self.file, asked).items()}
        card = card_to_keep(self.file, asked)
        settings = {"sha256": self.file.sha256, "name": name, "shapes": shapes, "card": card}
        return make_task("export", settings, where="driver")

    def bring(self, size: Size | None, out: Path) -> Made:
        """Copy the user's file to the folder of a result, its axes fixed and its weights within.

        A network with the user's weights is exported there.
        """
        from compile.onnx import model_file

        name = self.name_at(size)
        if self.file is None:
            path = out / f"{name}.onnx"
            return keep_model(
                export_network(self.network, path, size=size, weights=self.weights), NOTHING
            )
        asked = self.asked_at(size)
        shaped = open_model(str(self.file.path), out, asked)
        content = shaped.path.read_bytes()
        if hashlib.sha256(content).hexdigest() != shaped.sha256:  # its weights are in other files
            content = model_file.read(shaped.path).proto.SerializeToString()
        if shaped.source:
            shaped.path.unlink()
        write_whole(out / f"{name}.onnx", content)
        brought = load_model(out / f"{name}.onnx", name)
        card = card_to_keep(self.file, asked)
        return keep_model(replace(brought, shapes_given=shaped.shapes_given), Asked(card=card))


def find_subjects(
    entries: Sequence[ModelEntry], folder: Path, faults: Faults
) -> dict[int, Subject]:
    """The models of a plan by number, whose files lie in `folder`; faults go to `faults`."""
    found: dict[int, Subject] = {}
    for number, entry in enumerate(entries):
        place = ("models", number)
        if place in faults.malformed:
            continue
        try:
            subject = _find(entry, folder)
        except InputError as error:
            faults.note(place, error)
            continue
        if any(one.name == subject.name for one in found.values()):
            faults.add(place, f"a second model called {subject.name}; name it once, or rename it")
        found[number] = subject
    return found


def _find(entry: ModelEntry, folder: Path) -> Subject:
    path = folder / entry.model
    if names_network(entry.model, folder):
        if entry.card:
            raise InputError(f"{entry.model}: a card is for an ONNX file, not for a network")
        return _with_weights(path) if names_weights(entry.model) else _as_shipped(entry.model)
    card = entry.card
    if card is not None and card not in PRESETS:
        card = str(folder / card)
    file, asked = load_model(path), Asked(card=card)
    card_to_keep(file, asked)
    return Subject(path.stem, file, asked)


def _with_weights(path: Path) -> Subject:
    from depthnet.weights.formats import network_of

    return Subject(path.stem, network=zoo.get(network_of(path)).name, weights=path)


def _as_shipped(network: str) -> Subject:
    name = zoo.get(network).name
    return Subject(name, network=name)
