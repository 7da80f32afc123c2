"""Score a model on a data set under a named protocol."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from bench.model_card import describe_model
from bench.models import Model
from bench.records.record import Record, new_record
from bench.runtimes.base import Runtime
from depthbench import cancellation
from depthbench.errors import InputError
from depthbench.plural import counted
from depthnet.weights.origin import to_dict

logger = logging.getLogger(__name__)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from depthnet.card.depth_model import DepthModel
    from depthnet.data.pair import DepthDataset
    from depthnet.scoring.metrics import Scores
    from depthnet.scoring.protocols import Comparison, Predict, Protocol


@dataclass(frozen=True)
class ImageResult:
    """One image on its way from file to scores.

    `image`: HxWx3 uint8, what the protocol looks at; `input`: 3xhxw, what the network got;
    `prediction`: hxw, as averaged, in the protocol's space (metres where that is depth that is
    not fitted); `comparison`: prediction and truth as scored, in metres;
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
    *,
    depth_model: DepthModel | None = None,
) -> Record:
    """Score `model`, as `runtime` runs it, and record the figures with all that they depend on.

    `depth_model` is how it is used, by default as its file says. Raises InputError when the model
    takes no image or gives no depth map, and as `score_dataset` does.
    """
    used = depth_model or describe_model(model)
    fields = {
        **describe_run(model, runtime),
        **score_model(model, used, as_predict(used, runtime), dataset, protocol, on_image),
    }
    return new_record("accuracy", fields)


def describe_run(model: Model, runtime: Runtime) -> dict[str, Any]:
    """What a record says of a model and of the runtime that ran it."""
    return {
        "model": model.name,
        "model_sha256": model.sha256,
        "model_file": model.own_file,
        "input_shapes": {name: list(shape) for name, shape in model.shapes_given.items()},
        "runtime": runtime.name,
        "runtime_settings": runtime.describe(),
    }


def score_model(
    model: Model,
    depth_model: DepthModel,
    predict: Predict,
    dataset: DepthDataset,
    protocol: Protocol,
    on_image: OnImage = lambda result: None,
) -> dict[str, Any]:
    """Score `model`, as `predict` computes it, with what the scores depend on beside them.

    Raises as `score_dataset` does.
    """
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
        "card": depth_model.card.said(),
        **score_dataset(predict, depth_model, dataset, protocol, on_image),
    }


def as_predict(depth_model: DepthModel, runtime: Runtime) -> Predict:
    """`runtime` as a function from input to map; it raises InputError for what is no map."""

    def predict(network_input: NDArray) -> NDArray:
        try:
            outputs = runtime.run({depth_model.input.name: network_input})
        except InputError as error:
            if depth_model.fixed_size:
                raise
            height, width = depth_model.planes(network_input).shape[1:]
            raise InputError(
                f"{depth_model.path} leaves its size open, but not to {height}x{width}: {error}",
                advice="give the size that it was exported at: --size HEIGHT WIDTH",
            ) from error
        return depth_model.depth_map(outputs, network_input)

    return predict


def score_dataset(
    predict: Predict,
    depth_model: DepthModel,
    dataset: DepthDataset,
    protocol: Protocol,
    on_image: OnImage = lambda result: None,
) -> dict[str, Any]:
    """Score `predict` on every pair of `dataset`: the means over images, and each image's.

    `on_image` is given every image's result. Arguments and errors as `score_images`.
    """
    from depthnet.card.meaning import MEANINGS

    per_image: list[dict[str, Any]] = []
    sizes = set()
    unfitted = 0
    either: list[Scores] = []
    for result in score_images(predict, depth_model, dataset, protocol):
        sizes.add(result.input.shape[1:])
        unfitted += not result.comparison.scale > 0
        per_image.append({"name": result.name, "invalid": result.invalid, **result.scores})
        if result.either_mask:
            either.append(result.either_mask)
        on_image(result)
    if unfitted:
        logger.warning(
            "in %d of %s the scale that fits the output to the truth is not positive: the "
            "output is constant, or is no %s",
            *(unfitted, counted(len(per_image), "image"), MEANINGS[depth_model.card.meaning]),
        )
    invalid = sum(row["invalid"] for row in per_image)
    if invalid:
        images = sum(row["invalid"] > 0 for row in per_image)
        logger.warning(
            "%s: not counted, as NaN, infinite or negative: %s of depth in %s",
            *(dataset.name, counted(invalid, "pixel"), counted(images, "image")),
        )
    return {
        **means(per_image),
        **({"either_mask": _finite(means(either))} if either else {}),
        "input_size": list(sizes.pop()) if len(sizes) == 1 else None,
        "images": len(per_image),
        "invalid_pixels": invalid,
        "per_image": per_image,
    }


def score_images(
    predict: Predict, depth_model: DepthModel, dataset: DepthDataset, protocol: Protocol
) -> Iterator[ImageResult]:
    """Score `predict` on one pair of `dataset` after another.

    `depth_model` says what it takes and what its map means. Raises InputError when the protocol
    does not compare that, or an image has no depth that counts, CheckFailed when a prediction is
    not finite, or not positive where it must be.
    """
    from depthnet.scoring.fastdepth_metrics import score_either_mask
    from depthnet.scoring.space import to_space

    meaning = depth_model.card.meaning
    space = protocol.space(meaning)

    def predict_depth(network_input: NDArray, name: str) -> NDArray:
        what = f"the prediction for {name}"
        return to_space(predict(network_input), meaning, space, what)

    for index in range(len(dataset)):
        cancellation.check()
        pair = dataset[index]
        image, depth = protocol.apply_view(pair.image, pair.depth)
        network_input = depth_model.to_input(image)
        prediction = protocol.predict(
            partial(predict_depth, name=pair.name), network_input, depth_model.mirrored
        )
        try:
            comparison = protocol.compare(prediction, depth, space)
            scores = comparison.score()
        except ValueError as error:
            raise InputError(f"{dataset.name}, image {pair.name}: {error}") from error
        yield ImageResult(
            name=pair.name,
            image=image,
            input=depth_model.planes(network_input),
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
