"""Predict one picture and write the files that are asked for."""

from __future__ import annotations

from typing import Any

from bench.prediction.colour_scale import QUANTITIES, scale_for
from bench.prediction.intrinsics import Intrinsics
from bench.prediction.output_folder import OutputFolder
from bench.prediction.picture_files import Predicted, contents
from bench.prediction.predictor import Predictor
from bench.prediction.sources import Source
from bench.prediction.wanted import Wanted
from depthnet.data.photo import Photo


def predict_picture(
    source: Source,
    photo: Photo,
    camera: Intrinsics | None,
    predictor: Predictor,
    wanted: Wanted,
    output: OutputFolder,
) -> dict[str, Any]:
    """Predict the picture of `source`, read as `photo`, and write its files, each whole.

    Returns what was predicted and written: range of the colours in the unit of the model, size,
    `camera`, `files`, and `notes` for a person. Raises what `Predictor.predict` raises.
    """
    what = f"the prediction for {source.name}"
    seen = camera or wanted.camera_of_photo(photo)
    depth = predictor.predict(photo.image, flip=wanted.flip, camera=seen, what=what)
    quantity = QUANTITIES[predictor.meaning]
    scale = scale_for([depth], quantity, near=wanted.near, far=wanted.far, colours=wanted.colours)
    notes = [f"the first of its {photo.frames} frames is taken"] if photo.frames > 1 else []
    notes += filter(None, [predictor.focal_note(photo.image.shape[:2], seen)])
    formats = wanted.formats_for("picture", predictor.meaning)
    name = output.name_for(source.stem, source.identity)
    predicted = Predicted(photo.image, depth, scale, camera)
    document = {
        "input": source.name,
        "kind": source.kind,
        "size": list(photo.image.shape[:2]),
        **predictor.describe(),
        "unit": quantity.unit,
        "near": scale.near,
        "far": scale.far,
        "intrinsics": camera.to_dict() if camera else None,
        "files": [
            output.write(f"{name}{end}", content)
            for end, content in contents(predicted, formats, wanted, notes)
        ],
        "notes": notes,
    }
    output.add(source.identity, document)
    return document
