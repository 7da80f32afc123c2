"""Accuracy of an artefact on the device, beside ONNX Runtime's on the same images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from bench.accuracy.evaluate import as_predict, score_model
from bench.measure.agreement import compare, worse
from bench.model_card import NOTHING, Asked, describe_model, ports
from bench.models import load_model
from bench.runtimes.base import Runtime
from bench.runtimes.onnxruntime_cpu import OnnxRuntimeCpu
from depthbench.progress import Progress
from depthnet.scoring import protocols

if TYPE_CHECKING:
    from compile.artefact import Artefact
    from depthnet.card.depth_model import DepthModel
    from depthnet.data.pair import DepthDataset
    from depthnet.scoring.protocols import Protocol


@dataclass(frozen=True)
class Accuracy:
    """What is to be scored: every pair of `dataset`, under `protocol`, as `depth_model` says."""

    dataset: DepthDataset
    protocol: Protocol
    depth_model: DepthModel


def accuracy_of(
    artefact: Artefact,
    model_onnx: Path,
    dataset: DepthDataset,
    protocol: str | None = None,
    asked: Asked = NOTHING,
) -> Accuracy:
    """How an artefact is scored: by its card and what is `asked`, the model's file, its shapes.

    The protocol is by default the one for what it gives. Raises InputError where the card does
    not fit, or the protocol does not compare what the model gives.
    """
    model = load_model(model_onnx)
    compiled = replace(model, inputs=ports(artefact.manifest["inputs"]))
    depth_model = describe_model(compiled, asked, compiled=artefact.manifest.get("card"))
    meaning = depth_model.card.meaning
    rule = protocols.get(protocol or protocols.default_for(meaning))
    rule.space(meaning)
    return Accuracy(dataset, rule, depth_model)


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
    model, depth_model = load_model(model_onnx), asked.depth_model
    agreement: dict[str, Any] = {}
    with OnnxRuntimeCpu(model_onnx) as reference:
        ours, theirs = as_predict(depth_model, runtime), as_predict(depth_model, reference)
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

        scores = score_model(model, depth_model, predict, asked.dataset, asked.protocol, on_image)
    return {**scores, "runtime": runtime.name, "agreement": agreement}
