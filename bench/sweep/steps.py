"""The steps of a sweep that any worker carries out, each from folders to a folder."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.compile_service import folder_name
from bench.model_card import NOTHING, card_to_keep, describe_model
from bench.models import export_network
from bench.sweep.data_content import Data
from bench.sweep.result import (
    ARTEFACT,
    RECORDS,
    Made,
    keep_model,
    keep_records,
    read_artefact,
    read_model,
)
from depthbench.errors import ToolMissing
from depthbench.progress import Progress

Settings = Mapping[str, Any]
PATH_LENGTH = 220
SHEET, SHEET_IMAGES = "sheet.png", 6


def export(settings: Settings, inputs: Sequence[Path], out: Path, progress: Progress) -> Made:
    """Export a network, as it ships, at a size; called by its name, with the size where other."""
    from depthnet import zoo
    from depthnet.export.export_cache import made_from

    entry, size = zoo.get(settings["network"]), tuple(settings["size"])
    if made_from(entry, size) != settings["made_from"]:
        raise ToolMissing(
            f"this worker exports {entry.name} otherwise than the sweep's driver",
            advice="install the same weights and packages on both",
        )
    exported = export_network(
        entry.name, out / f"{settings['name']}.onnx", size=size, progress=progress
    )
    return keep_model(replace(exported, name=settings["name"]), NOTHING)


def quantise(settings: Settings, inputs: Sequence[Path], out: Path, progress: Progress) -> Made:
    """Quantise the model of the first input, calibrated on images of a data set."""
    from bench.quantise import Calibration
    from bench.quantise import quantise as quantise_model

    model, asked = read_model(inputs[0])
    Data(settings["data"], settings["content"]).check()
    calibration = Calibration(settings["data"], settings["images"], settings["protocol"])
    quantised = quantise_model(model, out / model.path.name, calibration, progress, asked)
    return keep_model(replace(quantised, shapes_given=model.shapes_given), asked)


def compile_for(settings: Settings, inputs: Sequence[Path], out: Path, progress: Progress) -> Made:
    """Compile the model of the first input; `tuned` is the content of a file of choices."""
    from compile.pipeline import compile_model

    model, asked = read_model(inputs[0])
    tuned = out / "tuned.json"
    if settings["tuned"] is not None:
        tuned.write_text(settings["tuned"], encoding="utf-8")
    target, precision, threads = (settings[key] for key in ("target", "precision", "threads"))
    artefact = compile_model(
        model.path,
        target,
        out / folder_name(model, target, precision, threads),
        name=model.name,
        precision=precision,
        threads=threads,
        card=card_to_keep(model, asked),
        tuned=[tuned] if tuned.is_file() else [],
        progress=progress,
    )
    return {
        ARTEFACT: artefact.folder.name,
        "artefact_sha256": artefact.sha256,
        "bytes": artefact.library.stat().st_size,
        "compiler_warnings": artefact.manifest["warnings"],
    }


def score(settings: Settings, inputs: Sequence[Path], out: Path, progress: Progress) -> Made:
    """Score the model of the first input as a runtime of this machine computes it."""
    from bench.accuracy.contact_sheet import Sample, sheet_entry, write_contact_sheet
    from bench.accuracy.evaluate import ImageResult, measure_accuracy
    from bench.runtimes.registry import open_runtime
    from depthnet.data import open_dataset
    from depthnet.scoring import protocols

    model, asked = read_model(inputs[0])
    Data(settings["data"], settings["content"]).check()
    dataset = open_dataset(settings["data"], settings["split"], settings["images"])
    depth_model = describe_model(model, asked)
    meaning = depth_model.card.meaning
    rule = protocols.get(settings["protocol"] or protocols.default_for(meaning))
    rule.space(meaning)
    name, precision = settings["runtime"], settings["precision"]
    sample, sheet = Sample(len(dataset), SHEET_IMAGES), out / SHEET
    done = 0

    def on_image(result: ImageResult) -> None:
        nonlocal done
        done += 1
        sample(result)
        progress(f"scored image {done} of {len(dataset)}")

    with open_runtime(name, model, out / "runtime", precision=precision) as runtime:
        record = measure_accuracy(model, runtime, dataset, rule, on_image, depth_model=depth_model)
    if precision != "fp32":
        record["conditions"]["precision"] = precision
    write_contact_sheet(sheet, sample.results, record)
    record["sheet"] = sheet_entry(sheet, out / RECORDS)
    return keep_records(out, [record])


def cost(settings: Settings, inputs: Sequence[Path], out: Path, progress: Progress) -> Made:
    """Count the artefact of the second input, which is of the model of the first."""
    from bench.cost.memory.core import CORES
    from bench.cost.model_cost import measure_cost

    model, _ = read_model(inputs[0])
    core = replace(CORES[settings["core"]], clock_ghz=settings["clock_ghz"])
    with place_of_fixed_length(out) as place:
        artefact = place / read_artefact(inputs[1]).name
        shutil.copytree(read_artefact(inputs[1]), artefact)
        record = measure_cost(
            str(artefact),
            place,
            model=model.path,
            peers=",".join(settings["peers"]),
            core=core,
            strict=False,
            progress=progress,
        )
    return keep_records(out, [record])


STEPS: Mapping[str, Callable[[Settings, Sequence[Path], Path, Progress], Made]] = {
    "export": export,
    "quantise": quantise,
    "compile": compile_for,
    "score": score,
    "cost": cost,
}
"""By kind of task. `measure` is not among them: it stays with the driver."""


@contextmanager
def place_of_fixed_length(out: Path) -> Iterator[Path]:
    """A folder in `out`, of temporary files too, whose path is always as long.

    The paths that an emulated program is given lie on its stack: longer ones move its data to
    other addresses, and to other lines of the caches.
    """
    name = "x" * max(1, PATH_LENGTH - len(str(out.absolute())) - 1)
    place = out.absolute() / name
    place.mkdir()
    before, tempfile.tempdir = tempfile.tempdir, str(place)
    try:
        yield place
    finally:
        tempfile.tempdir = before
        shutil.rmtree(place)
