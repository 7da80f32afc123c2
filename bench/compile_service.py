"""Compilation of what a user names, a network or a file, to an artefact."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.model_card import NOTHING, Asked, card_to_keep, open_model, shapes_of
from bench.models import Model, as_path, load_model, names_folder, names_network
from bench.quantise import quantise
from depthbench.errors import InputError
from depthbench.plural import counted
from depthbench.progress import Progress

if TYPE_CHECKING:
    from compile.artefact import Artefact
    from compile.targets import Target


def compile_for(
    model: str,
    target: str,
    out: Path,
    *,
    output: Path | None = None,
    precision: str | None = None,
    threads: int = 1,
    allow_growth: bool = False,
    asked: Asked = NOTHING,
    tuned: Path | None = None,
    untuned: bool = False,
    force: bool = False,
    dump_ir: Path | None = None,
    progress: Progress = lambda line: None,
) -> Artefact:
    """Compile `model` (a network's name or an ONNX file) for `target`.

    What is `asked` of the model's shapes and card fixes its open axes, and is kept in the manifest.
    The precision is by default int8 for a quantised model, else fp32; a model that is not is
    quantised first for int8, calibrated on the default data. With `allow_growth`, weights for a
    phone may be stored in a larger form where that is faster. Schedules take tuned choices unless
    `untuned`: those of the file `tuned`, by default what `depthbench tune` last wrote for the
    target, and those shipped. The artefact goes to `output`, by default `out/NAME-TARGET`, with
    the precision and the number of threads behind it where they are not fp32 and one; one that is
    up to date is returned as it is, unless `force` or `dump_ir`, the folder for the module after
    each phase. Raises InputError for an unknown target or precision, or one that the target is
    not made for, before anything is exported.
    """
    from compile import precision as precisions
    from compile import targets

    machine = targets.get(target)
    if precision is not None:
        precisions.for_target(precision, machine)
    if names_network(model) or precision == "int8":  # calibrating runs the model
        source = open_model(model, out, asked, progress=progress)
    else:
        source = load_model(Path(model))
    source = in_precision(source, precision, out, progress, asked)
    precision = precision or default_precision(source)
    from compile.pipeline import compile_model

    return compile_model(
        source.path,
        target,
        output or out / folder_name(source, target, precision, threads),
        name=source.name,
        precision=precision,
        threads=threads,
        allow_growth=allow_growth,
        input_shapes=shapes_of(source, asked),
        card=card_to_keep(source, asked),
        tuned=None if untuned else tuned_files(machine, tuned),
        progress=progress,
        force=force,
        dump_ir=dump_ir,
    )


def default_precision(model: Model) -> str:
    """That in which the model itself is."""
    return "int8" if model.quantised else "fp32"


def folder_name(model: Model, target: str, precision: str, threads: int) -> str:
    """What a compiled model's folder is called; fp32 and one thread are not said."""
    named = precision == "fp32" or model.name.endswith(f"-{precision}")
    suffix = "" if named else f"-{precision}"
    suffix += "" if threads == 1 else f"-{threads}-threads"
    return f"{model.name}-{target}{suffix}"


def tuned_files(machine: Target, tuned: Path | None = None) -> list[Path]:
    """The file that is asked for; else the user's own for the target, where there is one."""
    default = default_tuned_file(machine)
    return [tuned] if tuned else [default] if default.is_file() else []


def default_tuned_file(machine: Target) -> Path:
    """Where tuned choices for a target are kept."""
    from compile.records.tuned_choices import file_name
    from depthbench.files import cache_folder

    return cache_folder() / "tuned" / file_name(machine)


def in_precision(
    model: Model,
    precision: str | None,
    out: Path,
    progress: Progress = lambda line: None,
    asked: Asked = NOTHING,
) -> Model:
    """The model itself or, for int8, the quantised one that `out` holds, made where it must be."""
    if precision != "int8" or model.quantised:
        return model
    return quantise(model, out / f"{model.name}-int8.onnx", progress=progress, asked=asked)


def resolve_artefact(
    what: str | None,
    out: Path,
    *,
    model: Path | None = None,
    precision: str | None = None,
    threads: int = 1,
    asked: Asked = NOTHING,
    progress: Progress = lambda line: None,
) -> tuple[Artefact, Path]:
    """The artefact that `what` names, and the ONNX file it was compiled from.

    `what` is an artefact folder, or a network's name or an ONNX file, which is compiled for
    arm64-a76, `precision` (by default the model's own) and `threads` threads first, as `asked`; by
    default the flagship. A folder's model is `model`, or the file of its manifest's name beside the
    folder or in `out`. Raises InputError when neither is there, or the artefact was compiled for
    another precision or fewer threads.
    """
    from depthnet import zoo

    if what is None or not names_folder(what):
        source = open_model(what or zoo.FLAGSHIP, out, asked, progress=progress)
        source = in_precision(source, precision, out, progress, asked)
        made = compile_for(
            as_path(source.path),
            "arm64-a76",
            out,
            precision=precision,
            threads=threads,
            asked=asked,
            progress=progress,
        )
        return made, source.path
    artefact = load_for(Path(what), threads)
    if precision not in (None, artefact.manifest["precision"]):
        raise InputError(
            f"{what} was compiled for {artefact.manifest['precision']}",
            advice=f"compile it with --precision {precision}",
        )
    name = Path(artefact.manifest["source"]["file"]).name
    for place in (model, artefact.folder.parent / name, out / name):
        if place is not None and place.is_file():
            return artefact, place
    raise InputError(
        f"{what} was compiled from {name}, which is not beside it", advice="give it as --model"
    )


def load_for(folder: Path, threads: int) -> Artefact:
    """Load an artefact folder; raises InputError where it was compiled for fewer threads."""
    from compile.artefact import load_artefact

    artefact = load_artefact(folder)
    if artefact.manifest["threads"] < threads:
        raise InputError(
            f"{folder} was compiled for {counted(artefact.manifest['threads'], 'thread')}",
            advice=f"compile it with --threads {threads}",
        )
    return artefact


def describe_artefact(artefact: Artefact) -> dict[str, Any]:
    """The manifest, with where the artefact lies and its library's size and hash."""
    return {
        "folder": str(artefact.folder),
        "artefact_sha256": artefact.sha256,
        "reused": artefact.reused,
        **artefact.manifest,
    }
