"""What identifies a compilation: an artefact with the same key need not be made again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from compile.artefact import Artefact, load_artefact, with_card
from compile.onnx.model_file import ModelFile
from compile.precision import Precision
from compile.records.tuned_choices import sha256_of
from compile.targets import Target
from depthbench.errors import InputError

TOOLS = ("apache-tvm", "apache-tvm-ffi", "ziglang", "onnx", "onnxruntime", "numpy")


def cache_key(
    file: ModelFile,
    machine: Target,
    numbers: Precision,
    name: str | None = None,
    card: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """All that decides the result, as it stands in the manifest.

    The model need not have been checked, which takes TVM, and that takes seconds to import: who
    made the artefact has checked it. A shape that is left open is no artefact's.
    """
    weights = {tensor.name for tensor in file.proto.graph.initializer}
    inputs = [value for value in file.proto.graph.input if value.name not in weights]
    props = {prop.key: prop.value for prop in file.proto.metadata_props}
    return {
        "name": name or props.get("name") or file.path.stem,
        "card": dict(card) if card else None,
        "target": {"name": machine.name, "processor": machine.processor},
        "precision": numbers.name,
        "threads": machine.threads,
        "may_grow": machine.may_grow,
        "tuned_sha256": sha256_of(machine.choices.tuned),
        "source": {
            "file": file.path.name,
            "sha256": file.sha256,
            "shapes": {
                value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
                for value in inputs
            },
        },
        **compiler(),
    }


def compiler() -> dict[str, Any]:
    """The versions of the tools, and the hash of this package's own sources."""
    return {
        "tools": {tool: metadata.version(tool) for tool in TOOLS},
        "compiler": compiler_sha256(),
    }


def up_to_date(output: Path, key: dict[str, Any]) -> Artefact | None:
    """The artefact in the folder `output`, if it is there, whole and of this key.

    Of another card, which is nothing that the code depends on, it gets this one.
    """
    try:
        old = load_artefact(output)
    except InputError:
        return None
    differing = {name for name, value in key.items() if old.manifest.get(name) != value}
    if differing - {"card"}:
        return None
    if differing:
        return with_card(old, key["card"])
    return Artefact(old.folder, old.manifest, reused=True)


@cache
def compiler_sha256() -> str:
    """The hash of this package's own sources, but for what only packages are made by."""
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for file in sorted(folder.rglob("*.py")):
        if file.is_relative_to(folder / "package"):
            continue
        digest.update(f"{file.relative_to(folder)}\n".encode() + file.read_bytes())
    return digest.hexdigest()
