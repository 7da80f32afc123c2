"""From what a user names to a compiled artefact."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import InputError
from bench.models import resolve_model

if TYPE_CHECKING:
    from compile.artefact import Artefact

Progress = Callable[[str], None]


def compile_for(
    model: str,
    target: str,
    out: Path,
    *,
    output: Path | None = None,
    force: bool = False,
    progress: Progress = lambda line: None,
) -> Artefact:
    """Compile `model` (a network's name or an ONNX file) for `target`.

    The artefact goes to `output`, by default `out/NAME-TARGET`; one that is up to date is
    returned as it is, unless `force`. Raises InputError for an unknown target before anything
    is exported.
    """
    from compile import targets

    targets.get(target)
    source = resolve_model(model, out, progress=progress)
    from compile.pipeline import compile_model

    folder = output or out / f"{source.name}-{target}"
    return compile_model(
        source.path, target, folder, name=source.name, progress=progress, force=force
    )


def resolve_artefact(
    what: str | None, out: Path, *, progress: Progress = lambda line: None
) -> Artefact:
    """Load the artefact folder `what`; with nothing named, compile the flagship for arm64-a76.

    A network's name or an ONNX file is compiled for arm64-a76 first.
    """
    from compile.artefact import load_artefact
    from depthnet import zoo

    if what is not None and Path(what).is_dir():
        return load_artefact(Path(what))
    return compile_for(what or zoo.FLAGSHIP, "arm64-a76", out, progress=progress)


def describe_artefact(artefact: Artefact) -> dict[str, Any]:
    """The manifest, with where the artefact lies and its library's size and hash."""
    return {
        "folder": str(artefact.folder),
        "artefact_sha256": artefact.sha256,
        "reused": artefact.reused,
        **artefact.manifest,
    }


def source_of(artefact: Artefact, out: Path) -> Path:
    """The ONNX file that an artefact was compiled from, beside it or in `out`.

    Raises InputError when neither place has it.
    """
    file = Path(artefact.manifest["source"]["file"])
    places = (file, artefact.folder.parent / file.name, out / file.name)
    for place in places:
        if place.is_file():
            return place
    raise InputError(
        f"the model of {artefact.folder} is gone: put {file.name} beside it, or compile it again"
    )
