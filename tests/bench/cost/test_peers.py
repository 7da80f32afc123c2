"""What runs on peers under emulation computes the model, and asks for what they can do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.cost import peers, run_peer
from bench.cost.peers import measure_peer
from bench.runtimes import registry
from bench.runtimes.registry import Prepared
from depthbench.errors import InputError

TINY_TFLITE = Path(__file__).parents[1] / "runtimes" / "tiny.tflite"
IMAGE = np.random.default_rng(2).random((1, 3, 4, 6), np.float32)


@pytest.mark.parametrize("peer", peers.PEERS)
def test_a_peer_computes_the_closed_form(
    peer: str,
    tiny_onnx: Path,
    closed_form: Callable[[np.ndarray], np.ndarray],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ready = Prepared("litert", TINY_TFLITE, 1)
    monkeypatch.setattr(registry, "prepare", lambda *given: ready)
    model = peers.converted(peer, tiny_onnx, tmp_path)
    output = run_peer.PEERS[peer](model, {})(IMAGE)
    assert output.reshape(1, 1, 4, 6) == pytest.approx(closed_form(IMAGE), rel=1e-5)


def test_every_peer_can_be_run() -> None:
    assert set(run_peer.PEERS) == set(peers.PEERS) == set(peers.PRECISIONS)


def test_a_precision_that_a_peer_is_not_measured_in_is_refused(tiny_onnx: Path) -> None:
    with pytest.raises(InputError, match="onnxruntime is measured in fp32, int8, not fp16"):
        measure_peer("onnxruntime", tiny_onnx, {"image": IMAGE}, "fp16")


def test_a_model_of_two_inputs_is_refused(tiny_onnx: Path) -> None:
    with pytest.raises(InputError, match="one input"):
        measure_peer("ncnn", tiny_onnx, {"a": IMAGE, "b": IMAGE})
