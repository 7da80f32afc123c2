"""Scores of a device, against those of `depthbench eval` with ONNX Runtime on the same images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from bench.accuracy.device_accuracy import Accuracy, accuracy_of, score_on_device
from bench.accuracy.evaluate import measure_accuracy
from bench.measure.agreement import agrees
from bench.models import load_model
from bench.runtimes.base import Runtime
from bench.runtimes.onnxruntime_cpu import OnnxRuntimeCpu
from compile.artefact import Artefact
from depthnet.data import open_dataset
from depthnet.scoring.metrics import NAMES

Compute = Callable[[np.ndarray], np.ndarray]
IMAGES = 2


class Device(Runtime):
    """Computes in closed form what the model does, `error` off in its last prediction."""

    name = "device"

    def __init__(self, compute: Compute, error: float = 0.0, last: int = 2 * IMAGES) -> None:
        self._compute, self._error, self._last = compute, error, last
        self.predictions = 0

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        self.predictions += 1
        depth = self._compute(inputs["image"]).astype(np.float32)
        if self.predictions == self._last:
            depth.flat[5] += self._error * depth.max()
        return {"depth": depth}


@pytest.fixture
def asked(artefact: Artefact, tiny_onnx: Path) -> Accuracy:
    return accuracy_of(artefact, tiny_onnx, open_dataset("rooms", "test", IMAGES))


def test_the_scores_are_those_of_eval(
    asked: Accuracy, tiny_onnx: Path, closed_form: Compute
) -> None:
    device = Device(closed_form)
    found = score_on_device(asked, tiny_onnx, device, 1e-4)
    model = load_model(tiny_onnx)
    with OnnxRuntimeCpu(tiny_onnx) as runtime:
        expected = measure_accuracy(model, runtime, asked.dataset, asked.protocol)
    same = ("data", "split", "protocol", "protocol_rule", "images", "averaging", "flip", "weights")
    assert {name: found[name] for name in same} == {name: expected[name] for name in same}
    for name in NAMES:
        assert found[name] == pytest.approx(expected[name], rel=1e-4)
    assert device.predictions == 2 * IMAGES
    assert 0 <= found["agreement"]["max_relative_difference"] < 1e-6
    assert found["agreement"]["against"] == "onnxruntime"


def test_the_worst_prediction_counts(
    asked: Accuracy, tiny_onnx: Path, closed_form: Compute
) -> None:
    for wrong in (1, 2 * IMAGES):
        found = score_on_device(asked, tiny_onnx, Device(closed_form, 0.01, wrong), 1e-4)
        assert found["agreement"]["max_relative_difference"] == pytest.approx(0.01, rel=0.2)
        assert not agrees(found["agreement"])
