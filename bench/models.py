"""The ONNX file of what a user names, a network or a file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depthbench import cancellation
from depthbench.errors import InputError
from depthbench.files import write_whole
from depthbench.progress import Progress
from depthnet.card.port import Port
from depthnet.export.export_cache import PRUNED, WEIGHTS_FILE, origin_of
from depthnet.weights.origin import Origin

if TYPE_CHECKING:
    import onnx

    from compile.artefact import Artefact


@dataclass(frozen=True)
class Model:
    """An ONNX file: its name, its ports, and its metadata (empty for one from elsewhere).

    `sha256` covers the files beside it that hold its weights. `quantised` says that it
    dequantises tensors (QDQ form). `source` is the user's file where `path` is a copy of it, whose
    inputs of open shape have `shapes_given`.
    """

    name: str
    path: Path
    sha256: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    metadata: dict[str, str]
    quantised: bool = False
    source: Path | None = None
    shapes_given: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        """The user's file, which messages and records name."""
        return self.source or self.path

    @property
    def origin(self) -> Origin | None:
        """Where its weights come from; None when the file does not say."""
        return origin_of(self.metadata)

    @property
    def complexity(self) -> dict[str, Any]:
        """Parameters and MACs as exported, empty when the file does not say."""
        return json.loads(self.metadata.get("complexity", "{}"))

    @property
    def input_name(self) -> str:
        """Of its first input."""
        return self.inputs[0].name

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of its first input."""
        return self.inputs[0].shape

    @property
    def own_file(self) -> str | None:
        """Its path; None where a network's name is enough to make it again."""
        from depthnet import zoo
        from depthnet.card.statements import OURS

        exported = OURS in self.metadata and self.name in zoo.names()
        exported &= not {WEIGHTS_FILE, PRUNED} & self.metadata.keys()
        return None if exported else str(self.file)

    @property
    def fixed_inputs(self) -> list[dict[str, Any]]:
        """Its inputs as an artefact's manifest lists them; raises InputError for an open shape."""
        for port in self.inputs:
            if 0 in port.shape:
                raise self._dynamic(port)
        return [
            {"name": port.name, "shape": port.shape, "dtype": port.dtype} for port in self.inputs
        ]

    def _dynamic(self, port: Port) -> InputError:
        shape = "x".join(str(edge or "?") for edge in port.shape)
        return InputError(
            f"{self.path}: input {port.name!r} has a dynamic shape ({shape})",
            advice=f"give one with --input-shape {port.name}=1x3x224x224",
        )


def resolve_model(
    what: str,
    out: Path,
    *,
    size: tuple[int, int] | None = None,
    progress: Progress = lambda line: None,
) -> Model:
    """Find or make the ONNX file of `what`: a path to one, a weights file, or a network's name.

    A network is built and exported to `out/NAME.onnx` unless that file already holds it; NAME of
    a weights file is the file's. Raises InputError when `what` is none of them, with the nearest
    network's name.
    """
    if names_weights(what):
        from depthnet.weights.formats import network_of

        weights = Path(what)
        path = out / f"{weights.stem}.onnx"
        return export_network(
            network_of(weights), path, size=size, weights=weights, progress=progress
        )
    if names_path(what):
        return load_model(Path(what))
    return export_network(what, out / f"{what}.onnx", size=size, progress=progress)


def names_path(what: str, folder: Path = Path()) -> bool:
    """Whether `what`, in `folder`, is meant to be the path of a file or folder, not a network.

    A path has a separator or a suffix, or something lies there that is called like no network. A
    network wins over a folder that is called like it, unless that is an artefact's. Raises
    InputError where both may be meant.
    """
    from compile.artefact import MANIFEST
    from depthnet import zoo

    path = folder / what
    if os.sep in what or path.suffix:
        return True
    if what not in zoo.names():
        return path.exists()
    if path.is_file() or (path / MANIFEST).is_file():
        raise InputError(
            f"{what} is a network, and a {'file' if path.is_file() else 'compiled model'} here",
            advice=f"write {as_path(Path(what))} for what lies here, or rename it",
        )
    return False


def names_folder(what: str) -> bool:
    """Whether `what` is meant to be the folder of a compiled model; raises as `names_path`."""
    return names_path(what) and Path(what).is_dir()


def as_path(path: Path) -> str:
    """A path as text that `names_path` takes for no network's name."""
    return str(path) if os.sep in str(path) else f"{os.curdir}{os.sep}{path}"


def names_weights(what: str) -> bool:
    """Whether `what` is meant to be a file of a network's weights."""
    return Path(what).suffix == ".safetensors"


def names_network(what: str, folder: Path = Path()) -> bool:
    """Whether `what`, in `folder`, is a network to be exported: its name, or its weights' file."""
    return names_weights(what) or not names_path(what, folder)


def _to_export(what: str) -> str:
    """What `depthbench export` is given for the network that `what` names."""
    if names_weights(what):
        from depthnet.weights.formats import network_of

        return f"{network_of(Path(what))} --weights {what}"
    from depthnet import zoo

    return zoo.get(what).name


def fix_shapes(what: str, shapes: Mapping[str, Sequence[int]], out: Path) -> str:
    """The ONNX file `what` with the inputs that it leaves open in `shapes`, as a file in `out`.

    The copy holds all weights, and the card that lies beside `what`. Without shapes `what`
    itself. Raises InputError where they do not fit, and for a network.
    """
    if not shapes:
        return what
    if names_network(what):
        command = f"depthbench export {_to_export(what)} --size HEIGHT WIDTH"
        raise InputError(
            f"{what}: a network's inputs are not left open",
            advice=f"export it in the size: {command}",
        )
    from compile.onnx import model_file

    proto = model_file.read(Path(what), shapes).proto
    _keep_card(proto, Path(what))
    edges = ["x".join(map(str, shape)) for shape in shapes.values()]
    path = out / f"{'-'.join([Path(what).stem, *edges])}.onnx"
    write_whole(path, proto.SerializeToString())
    return str(path)


def _keep_card(proto: onnx.ModelProto, original: Path) -> None:
    import onnx

    from depthnet.card.statements import METADATA, statements, to_keep

    metadata = {prop.key: prop.value for prop in proto.metadata_props}
    if card := to_keep(statements(original, metadata)):
        onnx.helper.set_model_props(proto, {**metadata, METADATA: json.dumps(card)})


def export_network(
    name: str,
    path: Path,
    *,
    size: tuple[int, int] | None = None,
    weights: Path | None = None,
    progress: Progress = lambda line: None,
) -> Model:
    """Build the network called `name` and export it to `path`, unless that holds it already.

    With the `weights` of a file, or as it ships. Raises InputError as `open_network` does.
    """
    from depthnet import zoo
    from depthnet.export import export_cache

    entry = zoo.get(name)
    shape = size or entry.input_size
    called = None if weights else name
    if export_cache.is_up_to_date(path, entry, shape, weights):
        return load_model(path, called)
    from depthnet.export import onnx_export
    from depthnet.weights import pretrained

    progress(f"building {name}")
    built, origin = pretrained.build(entry, weights)
    cancellation.check()
    progress(f"exporting {name} to {path}")
    made_from = export_cache.made_from(entry, shape, weights)
    onnx_export.export(built, origin, path, size=size, made_from=made_from, weights=weights)
    return load_model(path, called)


def load_model(path: Path, name: str | None = None) -> Model:
    """Read what an ONNX file says of itself.

    Raises InputError as `compile.onnx.model_file.read` does, and for a model without inputs.
    """
    from compile.onnx import model_file

    file = model_file.read(path)
    graph = file.proto.graph
    weights = {tensor.name for tensor in graph.initializer}
    inputs = tuple(_port(value) for value in graph.input if value.name not in weights)
    if not inputs:
        raise InputError(f"{path}: a model without inputs", advice="give one that takes an image")
    return Model(
        name=name or path.stem,
        path=path,
        sha256=file.sha256,
        inputs=inputs,
        outputs=tuple(map(_port, graph.output)),
        metadata={prop.key: prop.value for prop in file.proto.metadata_props},
        quantised=any(node.op_type == "DequantizeLinear" for node in graph.node),
    )


def check_source(artefact: Artefact, model: Model) -> None:
    """Raise InputError where the artefact was compiled from another file than `model` is of."""
    if model.sha256 != artefact.manifest["source"]["sha256"]:
        raise InputError(
            f"{artefact.folder} was compiled from another file than {model.path}",
            advice="compile it again",
        )


def shapes_given(artefact: Artefact, model: Model) -> dict[str, list[int]]:
    """Those that the artefact was compiled with, of inputs that the model's file leaves open."""
    given = {port["name"]: list(port["shape"]) for port in artefact.manifest["inputs"]}
    return {port.name: given[port.name] for port in model.inputs if 0 in port.shape}


def _port(value: onnx.ValueInfoProto) -> Port:
    import onnx

    tensor = value.type.tensor_type
    try:
        dtype = str(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type))
    except KeyError:  # no tensor, or one of a type that the file does not give
        dtype = "unknown type"
    return Port(value.name, tuple(max(d.dim_value, 0) for d in tensor.shape.dim), dtype)
