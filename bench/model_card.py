"""The card of a model, from all who say something of it; every command asks here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.models import Model, fix_shapes, load_model, names_network, resolve_model
from depthbench.progress import Progress
from depthnet.card.port import Port

if TYPE_CHECKING:
    from compile.artefact import Artefact
    from depthnet.card.depth_model import DepthModel
    from depthnet.card.statements import Statement


@dataclass(frozen=True)
class Asked:
    """What a user says of a model: a card (a preset's name, a file, or fields), and options.

    `shapes` are those of inputs that the file leaves open, `size` the image's height and width;
    `fields` are of the card, and win over it.
    """

    card: str | Path | Mapping[str, Any] | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    shapes: Mapping[str, Sequence[int]] = field(default_factory=dict)
    size: tuple[int, int] | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The fields as a card has them; a size that is asked for is taken as it is."""
        size = {"size": list(self.size), "fit": "stretch"} if self.size else {}
        return {**self.fields, **size}


NOTHING = Asked()


def said_of(
    model: Model, asked: Asked = NOTHING, compiled: Mapping[str, Any] | None = None
) -> list[Statement]:
    """All that is said of a model, by its file, a manifest and the user.

    Raises InputError for what is no card.
    """
    from depthnet.card.statements import statements

    cards = [card for card in (compiled, asked.card) if card is not None]
    return statements(model.path, model.metadata, cards, asked.options)


def describe_model(
    model: Model,
    asked: Asked = NOTHING,
    *,
    compiled: Mapping[str, Any] | None = None,
    only_input: bool = False,
) -> DepthModel:
    """How an image goes into a model, and what comes out, by all that is said and the file.

    `compiled` is the card in an artefact's manifest. What nobody says is guessed, with a warning;
    with `only_input` only where it is of the input. Raises InputError where what is said does not
    fit the file, or it takes no image.
    """
    from depthnet.card.depth_model import describe

    found = said_of(model, asked, compiled)
    return describe(model.file, model.inputs, model.outputs, found, only_input=only_input)


def describe_compiled(artefact: Artefact, asked: Asked = NOTHING) -> DepthModel:
    """How an image goes into an artefact, and what comes out, by its manifest and what is asked.

    Raises InputError as `describe_model` does.
    """
    from depthnet.card.depth_model import describe
    from depthnet.card.statements import statements

    manifest = artefact.manifest
    inputs, outputs = ports(manifest["inputs"]), ports(manifest["outputs"])
    cards = [card for card in (manifest.get("card"), asked.card) if card is not None]
    found = statements(artefact.folder, {}, cards, asked.options)
    return describe(artefact.folder, inputs, outputs, found)


def ports(listed: Sequence[Mapping[str, Any]]) -> tuple[Port, ...]:
    """The inputs or outputs that an artefact's manifest lists."""
    return tuple(Port(one["name"], tuple(one["shape"]), one["dtype"]) for one in listed)


def open_model(
    what: str, out: Path, asked: Asked = NOTHING, *, progress: Progress = lambda line: None
) -> Model:
    """The model that `what` names, with all the shapes that `asked` fixes.

    One whose axes are open is copied to `out` with them fixed. Raises InputError as
    `resolve_model`, `fix_shapes` and `describe_model` do.
    """
    if names_network(what):
        return resolve_model(
            fix_shapes(what, asked.shapes, out), out, size=asked.size, progress=progress
        )
    shapes = shapes_of(load_model(Path(what)), asked)
    model = resolve_model(fix_shapes(what, shapes, out), out, progress=progress)
    return replace(model, source=Path(what), shapes_given=shapes) if shapes else model


def shapes_of(model: Model, asked: Asked) -> dict[str, Sequence[int]]:
    """The shapes that are asked for: of an image's input with open axes also by `asked.size`."""
    shapes = dict(asked.shapes)
    if not asked.size or all(0 not in port.shape for port in model.inputs):
        return shapes
    depth_model = _fit(model, said_of(model, asked))
    name = depth_model.input.name
    if name not in shapes:
        edges = (3, *asked.size) if depth_model.card.layout == "NCHW" else (*asked.size, 3)
        shapes[name] = (1, *edges)
    return shapes


def card_to_keep(model: Model, asked: Asked = NOTHING) -> dict[str, Any] | None:
    """What is said of a model, for a file made of it, whose size is fixed; None for nothing.

    Raises InputError where it does not fit the file.
    """
    from depthnet.card.statements import to_keep

    found = said_of(model, asked)
    if not found:
        return None
    _fit(model, found)
    return to_keep(found)


def _fit(model: Model, found: Sequence[Statement]) -> DepthModel:
    from depthnet.card.depth_model import fit

    return fit(model.file, model.inputs, model.outputs, found)
