"""Accuracy of an artefact on the device, beside ONNX Runtime's on the same images."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from bench.accuracy.evaluate import as_predict, score_model
from bench.measure.agreement import compare, worse
from bench.models import load_model
from bench.runtimes.base import Runtime
from bench.runtimes.onnxruntime_cpu import OnnxRuntimeCpu
from depthbench.progress import Progress

if TYPE_CHECKING:
    from depthnet.data.pair import DepthDataset
    from depthnet.scoring.protocols import Protocol


@dataclass(frozen=True)
class Accuracy:
    """What is to be scored: every pair of `dataset`, under `protocol`."""

    dataset: DepthDataset
    protocol: Protocol


def score_on_device(
    asked: Accuracy,
    model_onnx: Path,
    runtime: Runtime,
    tolerance: float,
    progress: Progress = lambda line: None,
) -> dict[str, Any]:
    """Score `runtime` as `depthbench eval` would; each prediction also goes to ONNX Runtime.

    Returns the scores with what they depend on, and `agreement`: the largest difference of a
    prediction, over all images and their mirror images, as
    `bench.measure.agreement.compare` gives it; None where one could not be compared. Raises as
    `evaluate.score_dataset` does.
    """
    model = load_model(model_onnx)
    agreement: dict[str, Any] = {}
    with OnnxRuntimeCpu(model_onnx) as reference:
        ours, theirs = as_predict(model, runtime), as_predict(model, reference)
        images = len(asked.dataset)
        number = count(1)

        def predict(image: NDArray) -> NDArray:
            nonlocal agreement
            depth = ours(image)
            expected = {"depth": theirs(image)}
            found = compare(expected, {"depth": depth}, reference.name, tolerance)
            agreement = worse(agreement, found)
            return depth

        def on_image(result: object) -> None:
            progress(f"scored image {next(number)} of {images}")

        scores = score_model(model, predict, asked.dataset, asked.protocol, on_image)
    return {**scores, "runtime": runtime.name, "agreement": agreement}
