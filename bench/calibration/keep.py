"""Calibrate a model and keep what was found: in its card, or in an ONNX file of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.calibration.calibrate import Parameters, calibrate_model
from bench.calibration.calibrated import Calibrated
from bench.calibration.metric_onnx import write_metric_onnx
from bench.calibration.points import Point
from bench.calibration.samples import CameraOf
from bench.model_card import NOTHING, Asked, said_of
from bench.records.record import Record, append_record
from depthbench.errors import InputError
from depthbench.files import write_whole
from depthbench.progress import Progress
from depthnet.card.card import CALIBRATED
from depthnet.card.statements import merged


def calibrate_and_keep(
    what: str,
    points: Sequence[Point],
    out: Path,
    asked: Asked = NOTHING,
    *,
    camera_of: CameraOf,
    parameters: Parameters = "auto",
    along_ray: bool = False,
    card: Path | None = None,
    onnx: Path | None = None,
    records: Path,
    runtime: str = "onnxruntime",
    threads: int = 1,
    progress: Progress = lambda line: None,
) -> Record:
    """Calibrate `what` and write its card, by default beside the model, or the ONNX file `onnx`.

    Beside the model every command finds the card; it holds what file, cards and options say, and
    the calibration. Files are written whole. Returns the record, which is appended to `records`;
    its `kept_in` names the files. Raises InputError where files cannot be called so, and as
    `calibrate_model` and `write_metric_onnx` do.
    """
    if card and card.suffix != ".json":
        raise InputError(f"{card}: a card is a .json file", advice="give FILE.json")
    if onnx and onnx.suffix != ".onnx":
        raise InputError(f"{onnx}: a model is an .onnx file", advice="give FILE.onnx")
    calibrated = calibrate_model(
        *(what, points, out, asked),
        camera_of=camera_of,
        parameters=parameters,
        along_ray=along_ray,
        runtime=runtime,
        threads=threads,
        progress=progress,
    )
    written = []
    if onnx:
        progress(f"writing {onnx}")
        write_metric_onnx(calibrated, onnx)
        written.append(onnx)
    if card or not onnx:
        path = card or Path(f"{calibrated.model.file}.json")
        write_whole(path, (json.dumps(card_fields(calibrated, asked), indent=2) + "\n").encode())
        written.append(path)
    record = {**calibrated.record(), "kept_in": [str(path) for path in written]}
    append_record(records, record)
    return record


def card_fields(calibrated: Calibrated, asked: Asked) -> dict[str, Any]:
    """The card's fields; the size only where the model's file leaves it open."""
    dropped = ("clip", "calibration", "" if calibrated.model.source else "size")
    said = merged(said_of(calibrated.model, asked)).said()
    kept = {name: value for name, value in said.items() if name not in dropped}
    found = calibrated.after.said()
    names = [name for name in (*CALIBRATED, "clip", "calibration") if name in found]
    return {**kept, **{name: found[name] for name in names}}
