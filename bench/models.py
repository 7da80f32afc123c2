"""The ONNX file of what a user names, a network or a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from depthbench import cancellation
from depthbench.errors import InputError
from depthbench.files import write_whole
from depthbench.progress import Progress
from depthnet.export.export_cache import origin_of
from depthnet.weights.origin import Origin

MAX_BYTES = 2**31 - 1


@dataclass(frozen=True)
class Model:
    """An ONNX file: its name, its first input, and its metadata (empty for one from elsewhere).

    `quantised` says that it dequantises tensors (QDQ form).
    """

    name: str
    path: Path
    sha256: str
    input_name: str
    input_shape: tuple[int, ...]
    metadata: dict[str, str]
    quantised: bool = False

    @property
    def origin(self) -> Origin | None:
        """Where its weights come from; None when the file does not say."""
        return origin_of(self.metadata)

    @property
    def complexity(self) -> dict[str, Any]:
        """Parameters and MACs as exported, empty when the file does not say."""
        return json.loads(self.metadata.get("complexity", "{}"))

    @property
    def inputs(self) -> list[dict[str, Any]]:
        """Its first input, as an artefact's manifest lists inputs; raises InputError where its
        shape is open.
        """
        self._check_shape()
        return [{"name": self.input_name, "shape": self.input_shape, "dtype": "float32"}]

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the image it takes; raises InputError when it takes none, or leaves
        them open.
        """
        self._check_shape()
        if len(self.input_shape) != 4 or self.input_shape[:2] != (1, 3):
            shape = "x".join(map(str, self.input_shape))
            raise InputError(f"{self.path} takes {self.input_name} of {shape}, not a 1x3xHxW image")
        return self.input_shape[2], self.input_shape[3]

    def _check_shape(self) -> None:
        if 0 in self.input_shape:
            shape = "x".join(str(edge or "?") for edge in self.input_shape)
            raise InputError(
                f"{self.path}: input {self.input_name!r} has a dynamic shape ({shape})",
                advice=f"give one with --input-shape {self.input_name}=1x3x224x224",
            )


def resolve_model(
    what: str,
    out: Path,
    *,
    size: tuple[int, int] | None = None,
    progress: Progress = lambda line: None,
) -> Model:
    """Find or make the ONNX file of `what`: a path to one, or the name of a network.

    A network is built and exported to `out/NAME.onnx` unless that file already holds it.
    Raises InputError when `what` is neither, with the nearest network's name.
    """
    path = Path(what)
    if path.suffix == ".onnx" or path.exists():
        return load_model(path)
    return export_network(what, out / f"{what}.onnx", size=size, progress=progress)


def fix_shapes(what: str, shapes: Mapping[str, Sequence[int]], out: Path) -> str:
    """The ONNX file `what` with the inputs that it leaves open in `shapes`, as a file in `out`.

    Without shapes `what` itself. Raises InputError where they do not fit.
    """
    if not shapes:
        return what
    import onnx

    from compile.onnx import model_file

    model = load_model(Path(what))
    proto = onnx.load(model.path)
    model_file.fix_shapes(model.path, proto, shapes)
    edges = ["x".join(map(str, shape)) for shape in shapes.values()]
    path = out / f"{'-'.join([model.name, *edges])}.onnx"
    write_whole(path, proto.SerializeToString())
    return str(path)


def export_network(
    name: str,
    path: Path,
    *,
    size: tuple[int, int] | None = None,
    progress: Progress = lambda line: None,
) -> Model:
    """Build the network called `name` and export it to `path`, unless that holds it already."""
    from depthnet import zoo
    from depthnet.export import export_cache

    entry = zoo.get(name)
    shape = size or entry.input_size
    if export_cache.is_up_to_date(path, entry, shape):
        return load_model(path, name)
    from depthnet.export import onnx_export
    from depthnet.weights import pretrained

    progress(f"building {name}")
    built, origin = pretrained.build(entry)
    cancellation.check()
    progress(f"exporting {name} to {path}")
    made_from = export_cache.made_from(entry, shape)
    onnx_export.export(built, origin, path, size=size, made_from=made_from)
    return load_model(path, name)


def load_model(path: Path, name: str | None = None) -> Model:
    """Read what an ONNX file says of itself; raises InputError when it is missing or no model."""
    import onnx
    from google.protobuf.message import DecodeError

    if not path.is_file():
        raise InputError(f"no such file: {path}", advice="give an .onnx file or a network's name")
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path} is larger than 2 GiB: ONNX files cannot be")
    content = path.read_bytes()
    try:
        graph = onnx.load_from_string(content)
    except DecodeError as error:
        raise _no_model(path) from error
    if not graph.graph.node or not graph.graph.input:
        raise _no_model(path)
    image = graph.graph.input[0]
    return Model(
        name=name or path.stem,
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
        input_name=image.name,
        input_shape=tuple(d.dim_value for d in image.type.tensor_type.shape.dim),
        metadata={prop.key: prop.value for prop in graph.metadata_props},
        quantised=any(node.op_type == "DequantizeLinear" for node in graph.graph.node),
    )


def _no_model(path: Path) -> InputError:
    return InputError(f"{path} is not an ONNX model or is truncated", advice="export it again")
