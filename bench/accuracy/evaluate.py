"""Score a model on a data set under a named protocol."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.models import Model
from bench.records.record import Record, new_record
from bench.runtimes.base import Runtime
from depthbench import cancellation
from depthbench.errors import CheckFailed, InputError
from depthnet.weights.origin import to_dict

logger = logging.getLogger(__name__)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from depthnet.data.pair import DepthDataset
    from depthnet.scoring.metrics import Scores
    from depthnet.scoring.protocols import Comparison, Predict, Protocol


@dataclass(frozen=True)
class ImageResult:
    """One image on its way from file to scores.

    `image`: HxWx3 uint8, what the protocol looks at; `input`: 1x3xhxw, what the network got;
    `prediction`: hxw metres, as averaged; `comparison`: prediction and truth as scored;
    `either_mask`: the scores as FastDepth's public code has them, where the protocol asks.
    """

    name: str
    image: NDArray
    input: NDArray
    prediction: NDArray
    comparison: Comparison
    scores: Scores
    either_mask: Scores | None
    invalid: int


OnImage = Callable[[ImageResult], None]


def default_data() -> str:
    """`nyu` where its folder is present, else `rooms`, which needs no files."""
    from depthnet.data import data_folder

    return "nyu" if (data_folder() / "nyu").is_dir() else "rooms"


def measure_accuracy(
    model: Model,
    runtime: Runtime,
    dataset: DepthDataset,
    protocol: Protocol,
    on_image: OnImage = lambda result: None,
) -> Record:
    """Score `model`, as `runtime` runs it, and record the figures with all that they depend on.

    Raises InputError when the model takes no image or gives no depth map, and as
    `score_dataset` does.
    """
    fields = {
        "model": model.name,
        "model_sha256": model.sha256,
        "runtime": runtime.name,
        "runtime_settings": runtime.describe(),
        **score_model(model, as_predict(model, runtime), dataset, protocol, on_image),
    }
    return new_record("accuracy", fields)


def score_model(
    model: Model,
    predict: Predict,
    dataset: DepthDataset,
    protocol: Protocol,
    on_image: OnImage = lambda result: None,
) -> dict[str, Any]:
    """Score `model`, as `predict` computes it, with what the scores depend on beside them.

    Raises as `score_dataset` does.
    """
    size = model.image_size
    origin = model.origin
    return {
        "weights": model.metadata.get("weights", "unknown (a model from elsewhere)"),
        "origin": to_dict(origin) if origin else None,
        "data": dataset.name,
        "split": dataset.split,
        "protocol": protocol.name,
        "protocol_rule": protocol.rule,
        "averaging": "per image",
        "flip": protocol.flip,
        "input_size": list(size),
        **score_dataset(predict, dataset, protocol, size, on_image),
    }


def as_predict(model: Model, runtime: Runtime) -> Predict:
    """`runtime` as a function from image to depth; raises InputError for a model of no depth."""
    size = model.image_size

    def predict(image: NDArray) -> NDArray:
        (depth,) = runtime.run({model.input_name: image}).values()
        if depth.shape != (1, 1, *size):
            shape = "x".join(map(str, depth.shape))
            raise InputError(f"{model.path} gives {shape}, not a depth map of 1x1xHxW")
        return depth

    return predict


def score_dataset(
    predict: Predict,
    dataset: DepthDataset,
    protocol: Protocol,
    input_size: tuple[int, int],
    on_image: OnImage = lambda result: None,
) -> dict[str, Any]:
    """Score `predict` on every pair of `dataset`: the means over images, and each image's.

    `on_image` is given every image's result. Arguments and errors as `score_images`.
    """
    per_image: list[dict[str, Any]] = []
    either: list[Scores] = []
    for result in score_images(predict, dataset, protocol, input_size):
        per_image.append({"name": result.name, "invalid": result.invalid, **result.scores})
        if result.either_mask:
            either.append(result.either_mask)
        on_image(result)
    invalid = sum(row["invalid"] for row in per_image)
    if invalid:
        images = sum(row["invalid"] > 0 for row in per_image)
        logger.warning(
            "%s: %d depth pixels in %d images are NaN, infinite or negative, and do not count",
            *(dataset.name, invalid, images),
        )
    return {
        **means(per_image),
        **({"either_mask": _finite(means(either))} if either else {}),
        "images": len(per_image),
        "invalid_pixels": invalid,
        "per_image": per_image,
    }


def score_images(
    predict: Predict, dataset: DepthDataset, protocol: Protocol, input_size: tuple[int, int]
) -> Iterator[ImageResult]:
    """Score `predict` on one pair of `dataset` after another.

    `input_size` (height, width) is what the model takes. Raises InputError when an image has no
    depth that counts, CheckFailed when a prediction is not positive and finite.
    """
    from depthnet.scoring import protocols
    from depthnet.scoring.fastdepth_metrics import score_either_mask

    for index in range(len(dataset)):
        cancellation.check()
        pair = dataset[index]
        image, depth = protocol.apply_view(pair.image, pair.depth)
        network_input = protocols.to_input(image, input_size)
        prediction = protocol.predict(predict, network_input)
        if not math.isfinite(prediction.sum()) or prediction.min() <= 0:
            raise CheckFailed(f"the prediction for {pair.name} is not positive and finite")
        try:
            comparison = protocol.compare(prediction, depth)
            scores = comparison.score()
        except ValueError as error:
            raise InputError(f"{dataset.name}, image {pair.name}: {error}") from error
        yield ImageResult(
            name=pair.name,
            image=image,
            input=network_input,
            prediction=prediction,
            comparison=comparison,
            scores=scores,
            either_mask=score_either_mask(comparison.prediction, comparison.truth)
            if protocol.either_mask
            else None,
            invalid=pair.invalid,
        )


def means(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The mean of every metric over rows that hold all of them."""
    from depthnet.scoring.metrics import NAMES

    return {name: math.fsum(row[name] for row in rows) / len(rows) for name in NAMES}


def _finite(values: Mapping[str, float]) -> dict[str, float | None]:
    """None where a value is infinite: JSON has no form for it."""
    return {name: value if math.isfinite(value) else None for name, value in values.items()}
