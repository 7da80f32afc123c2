"""The demo's server with a real package: its maps are those of ONNX Runtime, its records valid."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from android_rpc.demo.start_demo import start_demo
from bench.records.schema import json_schema
from compile.package.build_package import WeightsIn, package_model
from tests.compile.package.plain_image import FOCAL, plain_image
from tests.integration.demo_server.peer import Browser, Map, browse, frame, next_event

EDGES = (32, 48)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ONNX model of depth that compiles in a moment."""
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, *EDGES])
    depth = helper.make_tensor_value_info("depth", TensorProto.FLOAT, [1, 1, *EDGES])
    weight = helper.make_tensor("w", TensorProto.FLOAT, [1, 3, 1, 1], [0.1, 0.7, 0.2])
    bias = helper.make_tensor("b", TensorProto.FLOAT, [1], [1.0])
    node = helper.make_node("Conv", ["image", "w", "b"], ["depth"])
    graph = helper.make_graph([node], "tiny", [image], [depth], [weight, bias])
    path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), path)
    return path


IMAGE = plain_image(*EDGES, antialias=True)


@pytest.mark.parametrize(
    ("device", "platform", "weights", "degrees"),
    [("host", "host", "file", 60), ("emulated", "arm64-linux", "library", None)],
)
def test_a_map_is_that_of_onnx_runtime(
    model: Path,
    tmp_path: Path,
    device: str,
    platform: str,
    weights: WeightsIn,
    degrees: float | None,
) -> None:
    package_model(model, platform, tmp_path / "package", image=IMAGE, weights=weights)
    pixels = np.random.default_rng(0).integers(0, 256, (*EDGES, 4), dtype=np.uint8)
    image = (pixels[..., :3] / np.float32(255)).transpose(2, 0, 1)[None]
    (expected,) = onnxruntime.InferenceSession(model).run(["depth"], {"image": image})
    maps: list[Map] = []

    async def visit(browser: Browser) -> None:
        await browser.load("tiny")
        for rotation in (0, 90, 180, 270):
            await browser.show(frame(1, pixels=np.rot90(pixels, rotation // 90), rotation=rotation))
            found = await browser.hear()
            assert isinstance(found, Map), found
            maps.append(found)
        await browser.tell("benchmark", warm_up=1, runs=20)
        result = await browser.hear_of("benchmark")
        assert len(result["milliseconds"]) == 20
        await browser.tell("record", benchmark=result["benchmark"])
        await browser.hear_of("recorded")

    if degrees:  # of the upright picture, whatever lies in memory
        focal = EDGES[1] / 2 / np.tan(np.radians(degrees) / 2)
        expected = expected * focal / np.sqrt(EDGES[0] * EDGES[1]) / FOCAL
    library = tmp_path / "package" / "lib" / "libtiny.so"
    with start_demo(device, [library], field_of_view=degrees) as demo:
        browse(demo.url, visit)
        record = next_event(demo, "record")["record"]
    for found in maps:
        values = np.reshape(found.values, (found.height, found.width))
        assert np.allclose(values, expected[0, 0], atol=1e-5)
        assert 0 < found.forward_ms < found.frame_ms
    jsonschema.validate(record, json_schema())
    assert record["emulated"] is (device == "emulated")
    assert len(record["samples_ms"]) == 20
