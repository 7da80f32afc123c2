"""Score a model on a data set under a named protocol."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bench.errors import CheckFailed, InputError
from bench.models import Model
from bench.record import Record, new_record
from bench.runtimes.base import Runtime

logger = logging.getLogger(__name__)

if TYPE_CHECKING:
    from depthnet.data.pair import DepthDataset
    from depthnet.protocols import Predict, Protocol


def default_data() -> str:
    """`nyu` where its folder is present, else `rooms`, which needs no files."""
    from depthnet.data import data_folder

    return "nyu" if (data_folder() / "nyu").is_dir() else "rooms"


def measure_accuracy(
    model: Model,
    runtime: Runtime,
    dataset: DepthDataset,
    protocol: Protocol,
    on_image: Callable[[], None] = lambda: None,
) -> Record:
    """Score `model`, as `runtime` runs it, and record the figures with all that they depend on.

    Raises InputError when the model takes no image or gives no depth map, and as
    `score_dataset` does.
    """
    size = model.image_size

    def predict(image: Any) -> Any:
        (depth,) = runtime.run({model.input_name: image}).values()
        if depth.shape != (1, 1, *size):
            shape = "x".join(map(str, depth.shape))
            raise InputError(f"{model.path} gives {shape}, not a depth map of 1x1xHxW")
        return depth

    fields = {
        "model": model.name,
        "model_sha256": model.sha256,
        "weights": model.metadata.get("weights", "unknown (a model from elsewhere)"),
        "runtime": runtime.name,
        "runtime_settings": runtime.describe(),
        "data": dataset.name,
        "split": dataset.split,
        "protocol": protocol.name,
        "protocol_rule": protocol.rule,
        "averaging": "per image",
        "flip": True,
        "input_size": list(size),
        **score_dataset(predict, dataset, protocol, size, on_image),
    }
    return new_record("accuracy", fields)


def score_dataset(
    predict: Predict,
    dataset: DepthDataset,
    protocol: Protocol,
    input_size: tuple[int, int],
    on_image: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Score `predict` on every pair of `dataset`: the means over images, and each image's.

    `input_size` (height, width) is what the model takes. Every prediction is averaged with
    that of the mirrored image. Raises InputError when an image has no depth that counts,
    CheckFailed when a prediction is not positive and finite.
    """
    from depthnet.protocols import predict_flip_averaged, to_input

    per_image: list[dict[str, Any]] = []
    for index in range(len(dataset)):
        pair = dataset[index]
        prediction = predict_flip_averaged(predict, to_input(pair.image, input_size))
        if not math.isfinite(prediction.sum()) or prediction.min() <= 0:
            raise CheckFailed(f"the prediction for {pair.name} is not positive and finite")
        try:
            scores = protocol.score(prediction, pair.depth)
        except ValueError as error:
            raise InputError(f"{dataset.name}, image {pair.name}: {error}") from error
        per_image.append({"name": pair.name, "invalid": pair.invalid, **scores})
        on_image()
    invalid = sum(row["invalid"] for row in per_image)
    if invalid:
        images = sum(row["invalid"] > 0 for row in per_image)
        logger.warning(
            "%s: %d depth pixels in %d images are NaN, infinite or negative, and do not count",
            *(dataset.name, invalid, images),
        )
    return {
        **_means(per_image),
        "images": len(per_image),
        "invalid_pixels": invalid,
        "per_image": per_image,
    }


def _means(per_image: list[dict[str, Any]]) -> dict[str, float]:
    from depthnet.metrics import NAMES

    return {name: math.fsum(row[name] for row in per_image) / len(per_image) for name in NAMES}
