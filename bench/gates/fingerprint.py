"""What a network gives on a fixed set of images, in few enough numbers to keep in a file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.accuracy.evaluate import ImageResult, as_predict, means, score_images
from bench.models import Model
from depthbench.progress import Progress
from depthnet.weights.origin import to_dict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from depthnet.card.depth_model import DepthModel
    from depthnet.data.pair import DepthDataset, DepthPair

PROTOCOLS = ("eigen", "fastdepth")
GRID = (4, 6)
DECIMALS = 5

STAGES = {
    "input": "how the image is read, its channels' order, its size",
    "truth": "how the depth is read or resized",
    "weights": "the weights' files, their start at random, and what folds them into the graph",
    "prediction": "the graph of the network, its export, or the average with the mirrored image",
    "mask": "the crop, the cap and what is taken for valid",
    "scores": "the alignment, the clamping or the metrics",
}
"""From file to figure, and where to look when a change shows there first."""

IMAGE_STAGES = tuple(stage for stage in STAGES if stage != "weights")

Images = dict[str, dict[str, list[float]]]


def fingerprint_weights(model: Model) -> dict[str, Any]:
    """Where the weights come from, their hash, and sum and root mean square of every tensor.

    The hash tells of any change, but the random weights of an untrained network differ a little
    from one kind of processor to another; the sums say which tensor it is in.
    """
    from onnx import numpy_helper

    from compile.onnx import model_file

    tensors = {}
    for initializer in model_file.read(model.path).proto.graph.initializer:
        values = numpy_helper.to_array(initializer)
        if values.dtype.kind == "f" and np.isfinite(values).any():
            exact = values[np.isfinite(values)].astype(np.float64)
            rms = math.sqrt(float(np.mean(exact**2)))
            tensors[initializer.name] = [float(exact.sum()), rms, values.size]
    return {
        "origin": to_dict(model.origin) if model.origin else None,
        "sha256": model.metadata.get("weights_sha256", ""),
        "tensors": tensors,
    }


def fingerprint_scores(
    model: Model,
    depth_model: DepthModel,
    dataset: DepthDataset,
    protocol: str,
    progress: Progress = lambda line: None,
) -> dict[str, Any]:
    """Means of the metrics, and every image's fingerprint at every stage of `IMAGE_STAGES`.

    The model runs on ONNX Runtime, on one thread. Raises as `score_images` does.
    """
    from bench.runtimes.onnxruntime_cpu import OnnxRuntimeCpu
    from depthnet.scoring import protocols

    rule = protocols.get(protocol)
    images: Images = {}
    scores = []
    with OnnxRuntimeCpu(model.path) as runtime:
        predict = as_predict(depth_model, runtime)
        for result in score_images(predict, depth_model, dataset, rule):
            progress(f"{model.name}, {dataset.name}, {protocol}: {result.name}")
            images[result.name] = _stages(result)
            scores.append(result.scores)
    return {"means": means(scores), "images": images}


def _stages(result: ImageResult) -> dict[str, list[float]]:
    """The fingerprint of one image: block averages, the mask's extent, the scores."""
    comparison = result.comparison
    rows, columns = (np.flatnonzero(comparison.mask.any(axis=axis)) for axis in (1, 0))
    extent = (rows[0], rows[-1], columns[0], columns[-1])
    rows_of_scores: list[Any] = [result.scores, result.either_mask or {}]
    scores = [value for row in rows_of_scores for value in row.values()]
    return {
        "input": _rounded(np.concatenate([_blocks(channel) for channel in result.input])),
        "truth": _rounded(_blocks(comparison.truth)),
        "prediction": _rounded(_blocks(result.prediction)),
        "mask": [int(comparison.mask.sum()), *map(int, extent)],
        "scores": _rounded([value for value in scores if math.isfinite(value)]),
    }


def _blocks(values: NDArray) -> NDArray:
    """The means of `GRID` blocks of a map HxW, or of its pixels if there are fewer, row by row."""
    return np.array(
        [
            block.mean(dtype=np.float64)
            for band in np.array_split(values, min(GRID[0], len(values)), axis=0)
            for block in np.array_split(band, min(GRID[1], band.shape[1]), axis=1)
        ]
    )


def _rounded(values: NDArray | Sequence[float]) -> list[float]:
    return [round(float(value), DECIMALS) for value in values]


class Held:
    """A data set whose pairs are read or rendered once and kept."""

    def __init__(self, dataset: DepthDataset) -> None:
        self._dataset = dataset
        self._pairs: dict[int, DepthPair] = {}

    @property
    def name(self) -> str:
        return self._dataset.name

    @property
    def split(self) -> str:
        return self._dataset.split

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> DepthPair:
        if index not in self._pairs:
            self._pairs[index] = self._dataset[index]
        return self._pairs[index]
