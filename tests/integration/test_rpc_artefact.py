"""What the compiler makes for the phone computes there what ONNX Runtime computes here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from android_rpc.devices.emulated import EmulatedPhone
from android_rpc.session import open_session
from android_rpc.tracker.tracker import Tracker
from compile.pipeline import compile_model

RNG = np.random.default_rng(7)


def write_network(path: Path) -> None:
    """Two convolutions, the second depthwise, with ReLU between them."""
    weights = {
        "w1": RNG.normal(0, 0.3, (16, 3, 3, 3)),
        "b1": RNG.normal(0, 0.3, 16),
        "w2": RNG.normal(0, 0.3, (16, 1, 3, 3)),
        "b2": RNG.normal(0, 0.3, 16),
    }
    pads: dict[str, Any] = {"pads": [1, 1, 1, 1], "kernel_shape": [3, 3]}
    nodes = [
        helper.make_node("Conv", ["image", "w1", "b1"], ["a"], strides=[2, 2], **pads),
        helper.make_node("Relu", ["a"], ["r"]),
        helper.make_node("Conv", ["r", "w2", "b2"], ["depth"], group=16, **pads),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 32, 48])],
        [helper.make_tensor_value_info("depth", TensorProto.FLOAT, [1, 16, 16, 24])],
        [numpy_helper.from_array(v.astype(np.float32), name) for name, v in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)


def test_an_artefact_on_the_phone_agrees_with_onnx_runtime(
    tracker: Tracker, phone: EmulatedPhone, tmp_path: Path
) -> None:
    write_network(tmp_path / "network.onnx")
    artefact = compile_model(tmp_path / "network.onnx", "arm64-a76", tmp_path / "artefact")
    image = RNG.random((1, 3, 32, 48), np.float32)
    reference = onnxruntime.InferenceSession(str(tmp_path / "network.onnx"))
    (expected,) = reference.run(None, {"image": image})
    with open_session(tracker.host, tracker.port, phone.key) as session:
        model = session.load(artefact.library)
        assert model.inputs == ("image",)
        (depth,) = model.run({"image": image})
    assert np.abs(depth - expected).max() <= 1e-4 * np.abs(expected).max()
