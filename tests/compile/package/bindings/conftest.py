"""A small network of one image, packaged once, and what ONNX Runtime makes of a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from compile.package.build_package import package_model
from compile.package.manifest_file import Package
from tests.compile.package.plain_image import plain_image

HEIGHT, WIDTH = 32, 48
THREADS = 2
Packaged = Callable[..., Package]


@dataclass(frozen=True)
class Picture:
    """A picture of the network's own size: pixels [height, width, 3], and its PPM file."""

    pixels: np.ndarray
    file: Path

    @property
    def rgba(self) -> np.ndarray:
        opaque = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
        return np.concatenate([self.pixels, opaque], axis=2)

    @property
    def input(self) -> np.ndarray:
        """What the network takes: planes of red, green and blue in [0, 1]."""
        planes = self.pixels.transpose(2, 0, 1)[None].astype(np.float32) / 255
        return np.ascontiguousarray(planes)


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ONNX file: two convolutions from an image to a map."""
    random = np.random.default_rng(0)
    weights = {
        "first": random.standard_normal((8, 3, 3, 3), np.float32) / 5,
        "second": random.standard_normal((1, 8, 3, 3), np.float32) / 8,
    }
    nodes = [
        helper.make_node("Conv", ["image", "first"], ["sums"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["sums"], ["positive"]),
        helper.make_node("Conv", ["positive", "second"], ["depth"], pads=[1, 1, 1, 1]),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, HEIGHT, WIDTH])],
        [helper.make_tensor_value_info("depth", TensorProto.FLOAT, [1, 1, HEIGHT, WIDTH])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    file = tmp_path_factory.mktemp("network") / "small-net.onnx"
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), file)
    return file


@pytest.fixture(scope="session")
def packaged(network: Path, tmp_path_factory: pytest.TempPathFactory) -> Packaged:
    """`packaged(platform, name)` makes a package of the network in a folder with a space."""

    def make(platform: str, name: str) -> Package:
        image = plain_image(HEIGHT, WIDTH, antialias=False)
        folder = tmp_path_factory.mktemp("packages") / f"{name} {platform}"
        return package_model(network, platform, folder, name=name, threads=THREADS, image=image)

    return make


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Picture:
    pixels = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    file = tmp_path_factory.mktemp("picture") / "picture.ppm"
    file.write_bytes(f"P6\n{WIDTH} {HEIGHT}\n255\n".encode() + pixels.tobytes())
    return Picture(pixels, file)


@pytest.fixture(scope="session")
def expected(network: Path, picture: Picture) -> np.ndarray:
    """The map of the picture by ONNX Runtime: [1, 1, height, width]."""
    session = onnxruntime.InferenceSession(str(network))
    depth = session.run(None, {"image": picture.input})[0]
    assert isinstance(depth, np.ndarray)
    assert depth.std() > 0.1
    return depth
