"""Packaging of what a user names, a network or a file, as a C library for a platform."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bench.compile_service import default_precision, folder_name, in_precision, tuned_files
from bench.model_card import (
    NOTHING,
    Asked,
    card_to_keep,
    describe_model,
    open_model,
    said_of,
    shapes_of,
)
from bench.models import Model
from depthbench.errors import InputError
from depthbench.progress import Progress

if TYPE_CHECKING:
    from compile.package.image import ImageInput
    from compile.package.manifest_file import Package


def package_for(
    model: str,
    platform: str,
    out: Path,
    *,
    output: Path | None = None,
    precision: str | None = None,
    threads: int = 1,
    weights: Literal["library", "file"] = "library",
    asked: Asked = NOTHING,
    tuned: Path | None = None,
    untuned: bool = False,
    force: bool = False,
    needs_image: bool = False,
    progress: Progress = lambda line: None,
) -> Package:
    """Compile `model` (a network's name or an ONNX file) as a library for `platform`.

    The package goes to `output`, by default `out/NAME-PLATFORM-package`, with the precision and the
    number of threads in the name where they are not fp32 and one. `weights` go into the library or
    into a file beside it. All else is as in `compile_for`. Raises InputError for an unknown
    platform before anything is exported, and with `needs_image` for a model that takes no image or
    gives no map of it.
    """
    from compile import precision as precisions
    from compile import targets
    from compile.package import toolchain
    from compile.package.build_package import package_model

    machine = targets.get(toolchain.get(platform).target)
    if precision is not None:
        precisions.for_target(precision, machine)
    source = open_model(model, out, asked, progress=progress)
    image = image_input_of(source, asked)
    if needs_image and image is None:
        raise InputError(
            f"{model}: does not take one image and give a map of it",
            advice="where it does, say how with --card, or in MODEL.onnx.json beside the file",
        )
    source = in_precision(source, precision, out, progress, asked)
    precision = precision or default_precision(source)
    return package_model(
        source.path,
        platform,
        output or out / f"{folder_name(source, platform, precision, threads)}-package",
        name=source.name,
        precision=precision,
        threads=threads,
        input_shapes=shapes_of(source, asked),
        card=card_to_keep(source, asked),
        image=image,
        weights=weights,
        tuned=None if untuned else tuned_files(machine, tuned),
        progress=progress,
        force=force,
    )


def image_input_of(model: Model, asked: Asked = NOTHING) -> ImageInput | None:
    """How an image goes into the model, by its card; None where it takes none, or gives no map."""
    from compile.package.image import ImageInput
    from depthnet.card.depth_model import is_map

    if len(model.inputs) != 1:
        return None
    try:
        found = describe_model(model, asked)
    except InputError:
        return None
    names = [port.name for port in model.outputs]
    card, size = found.card, found.fixed_size
    place = names.index(card.output) if card.output in names else 0
    if size is None or not is_map(model.outputs[place].shape, size):
        return None
    return ImageInput(
        input=0,
        output=place,
        height=size[0],
        width=size[1],
        channels_last=card.layout == "NHWC",
        bgr=card.channels == "BGR",
        bytes=card.values == "bytes",
        range=card.range,
        mean=card.mean,
        std=card.std,
        interpolation=card.interpolation,
        antialias=card.antialias,
        align_corners=card.align_corners,
        meaning=card.meaning,
        scale=card.scale,
        shift=card.shift,
        clip=card.clip,
        focal=card.calibration.focal if card.calibration else None,
    )


def focal_of(
    model: str, out: Path, asked: Asked = NOTHING, progress: Progress = lambda line: None
) -> float | None:
    """The focal length that the card of `model` says it was calibrated at; None for none."""
    from depthnet.card.statements import merged

    said = merged(said_of(open_model(model, out, asked, progress=progress), asked))
    return said.calibration.focal if said.calibration else None


def describe_package(package: Package) -> dict[str, Any]:
    """The manifest, with where the package lies."""
    return {"folder": str(package.folder), "reused": package.reused, **package.manifest}
