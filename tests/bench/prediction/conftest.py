"""A model whose prediction is known in closed form, and videos made by FFmpeg's encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from bench.model_card import Asked
from bench.prediction.predictor import Predictor, open_predictor

EDGES = (24, 32)
MS = Fraction(1, 1000)

MakeModel = Callable[..., Path]
MakeVideo = Callable[..., Path]


@pytest.fixture(scope="session")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> MakeModel:
    """An ONNX file that gives `bias` + the green channel as `output`; says nothing of itself."""

    def make(bias: float = 1.0, output: str = "depth", edges: Sequence[int] = EDGES) -> Path:
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, *edges])
        depth = helper.make_tensor_value_info(output, TensorProto.FLOAT, [1, 1, *edges])
        weight = helper.make_tensor("w", TensorProto.FLOAT, [1, 3, 1, 1], [0.0, 1.0, 0.0])
        offset = helper.make_tensor("b", TensorProto.FLOAT, [1], [bias])
        node = helper.make_node("Conv", ["image", "w", "b"], [output])
        graph = helper.make_graph([node], "green", [image], [depth], [weight, offset])
        path = tmp_path_factory.mktemp("model") / "green.onnx"
        opset = [helper.make_opsetid("", 18)]
        onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), path)
        return path

    return make


@pytest.fixture(scope="session")
def green(make_model: MakeModel) -> Path:
    return make_model()


@pytest.fixture
def predictor(green: Path, tmp_path: Path) -> Iterator[Predictor]:
    """Metres: 1 + green."""
    asked = Asked({"meaning": "metres"})
    with open_predictor(str(green), tmp_path / "out", asked) as opened:
        yield opened


@pytest.fixture(scope="session")
def make_video(tmp_path_factory: pytest.TempPathFactory) -> MakeVideo:
    """A video of `pictures` (HxWx3 uint8), one every 100 ms or at `times_ms`."""

    def make(
        pictures: Sequence[NDArray[Any]],
        name: str = "clip.mp4",
        *,
        times_ms: Sequence[int] | None = None,
        rotation: int = 0,
        options: dict[str, str] | None = None,
    ) -> Path:
        path = tmp_path_factory.mktemp("video") / name
        with av.open(str(path), "w", options=options or {}) as container:
            stream = container.add_stream("libx264", rate=10, options={"crf": "5", "g": "10"})
            stream.height, stream.width = pictures[0].shape[:2]
            stream.pix_fmt = "yuv420p"
            stream.codec_context.time_base = MS
            if rotation:
                stream.set_display_rotation(rotation)
            for number, picture in enumerate(pictures):
                frame = av.VideoFrame.from_ndarray(picture, "rgb24")
                frame.pts = times_ms[number] if times_ms else number * 100
                frame.time_base = MS
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return make


def greys(count: int, size: tuple[int, int] = (48, 64)) -> list[NDArray[np.uint8]]:
    """Pictures of one grey each, from dark to light."""
    return [np.full((*size, 3), level, np.uint8) for level in np.linspace(20, 220, count)]
