"""The Python module of a package, with NumPy and without, beside ONNX Runtime."""

from __future__ import annotations

import array
import importlib.util
import json
import os
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bench.records.record import read_records
from compile.package.manifest_file import Package

from ..plain_image import FOCAL
from .conftest import HEIGHT, WIDTH, Packaged, Picture

MODULE = "python/small_net.py"


@pytest.fixture(scope="module")
def package(packaged: Packaged) -> Package:
    return packaged("host", "small-net")


def load(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, file.stem, module)  # dataclasses look for it there
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def module(package: Package) -> ModuleType:
    return load(package.folder / MODULE)


def test_it_computes_what_onnxruntime_does(
    module: ModuleType, picture: Picture, expected: np.ndarray
) -> None:
    with module.DepthNetwork(threads=1) as network:
        (depth,) = network.run(picture.input)
        given = np.empty_like(expected)
        assert network.run(picture.input.tobytes(), outputs=[given])[0] is given
        of_frame = network.run_frame(module.Frame.rgba(picture.rgba, width=WIDTH, height=HEIGHT))
        times = network.last_times()
        focal = 2 * FOCAL * (WIDTH * HEIGHT) ** 0.5
        network.set_camera(focal, focal)
        farther = network.run_frame(module.Frame.rgba(picture.rgba, width=WIDTH, height=HEIGHT))
        with pytest.raises(module.BadArgument, match="the focal lengths are -1 and 1 pixels"):
            network.set_camera(-1, 1)
    np.testing.assert_allclose(farther, 2 * of_frame, rtol=1e-5)
    assert depth.shape == expected.shape
    assert depth.dtype == np.float32
    for found in (depth, given, of_frame):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert all(time > 0 for time in times)


def test_an_array_with_gaps_is_copied(
    module: ModuleType, picture: Picture, expected: np.ndarray
) -> None:
    wide = np.zeros((1, 3, HEIGHT, 2 * WIDTH), np.float32)
    wide[..., ::2] = picture.input
    with module.DepthNetwork() as network:
        np.testing.assert_allclose(network.run(wide[..., ::2])[0], expected, rtol=1e-5, atol=1e-5)


def test_it_needs_no_numpy(
    package: Package, picture: Picture, expected: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "numpy", None)
        module = load(package.folder / MODULE)
    with module.DepthNetwork() as network:
        (depth,) = network.run(array.array("f", picture.input.ravel().tolist()))
        of_frame = network.run_frame(
            module.Frame.rgba(picture.rgba.tobytes(), width=WIDTH, height=HEIGHT)
        )
    assert isinstance(depth, memoryview)
    assert depth.shape == expected.shape
    np.testing.assert_allclose(np.asarray(depth), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(np.asarray(of_frame), expected, rtol=1e-5, atol=1e-5)


def test_it_says_what_the_network_is(module: ModuleType) -> None:
    (image,), (depth,) = module.INPUTS, module.OUTPUTS
    assert (image.name, image.dtype, image.shape) == ("image", "float32", (1, 3, HEIGHT, WIDTH))
    assert (depth.name, depth.unit, depth.bytes) == ("depth", "m", 4 * HEIGHT * WIDTH)
    assert module.depth_port() == depth
    assert image.unit is None
    assert module.MANIFEST["name"] == "small-net"


def zeros(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    return np.zeros(shape, dtype)


@pytest.mark.parametrize(
    ("inputs", "outputs", "error"),
    [
        ((), None, "BadArgument"),
        ((zeros(1, 3, HEIGHT, WIDTH),) * 2, None, "BadArgument"),
        ((zeros(1, 3, HEIGHT, WIDTH),), [], "BadArgument"),
        ((zeros(1, 3, HEIGHT, WIDTH - 1),), None, "BadBuffer"),
        ((zeros(1, 3, WIDTH, HEIGHT),), None, "BadBuffer"),
        ((zeros(1, 3, HEIGHT, WIDTH, dtype=np.float64),), None, "BadBuffer"),
        ((zeros(1, 3, HEIGHT, WIDTH, dtype=np.int32),), None, "BadBuffer"),
        (([0.0],), None, "BadBuffer"),
        ((bytes(12),), None, "BadBuffer"),
        ((zeros(1, 3, HEIGHT, WIDTH),), [bytes(4 * HEIGHT * WIDTH)], "BadBuffer"),
        ((zeros(1, 3, HEIGHT, WIDTH),), [zeros(1, 1, HEIGHT, 2 * WIDTH)[..., ::2]], "BadBuffer"),
    ],
)
def test_wrong_buffers_are_refused(
    module: ModuleType, inputs: tuple[Any, ...], outputs: list[Any] | None, error: str
) -> None:
    with module.DepthNetwork() as network, pytest.raises(getattr(module, error)):
        network.run(*inputs, outputs=outputs)


def test_errors_are_those_of_the_library(module: ModuleType, picture: Picture) -> None:
    frame = module.Frame.rgba(picture.rgba, width=WIDTH, height=HEIGHT + 1)
    with pytest.raises(module.BadArgument, match="threads"):
        module.DepthNetwork(threads=-1)
    with pytest.raises(module.NoThread):
        module.DepthNetwork(cpus=[100_000, 100_001])
    network = module.DepthNetwork()
    with pytest.raises(module.BadBuffer) as short:
        network.run_frame(frame)
    assert short.value.status == 3
    with pytest.raises(module.BadArgument):
        network.benchmark(-1)
    network.close()
    network.close()
    with pytest.raises(module.Closed):
        network.run(picture.input)
    with pytest.raises(module.Closed):
        network.benchmark(1)


def test_a_path_need_not_be_utf8(module: ModuleType) -> None:
    module.DepthNetwork(weights=os.fsdecode(b"\xff.weights")).close()


def test_a_benchmark_becomes_a_record(module: ModuleType, tmp_path: Path) -> None:
    with module.DepthNetwork(threads=1) as network:
        times = network.benchmark(20, warm_up=2)
        record = network.record(times, warm_up=2)
    assert len(times) == 20
    assert min(times) > 0
    assert record["samples_ms"] == pytest.approx(times)
    file = tmp_path / "records.jsonl"
    file.write_text(json.dumps(record) + "\n")
    assert [one["id"] for one in read_records(file)] == [record["id"]]


def test_threads_never_share_a_network(
    module: ModuleType, picture: Picture, expected: np.ndarray
) -> None:
    """A second thread on one network is refused, or computes after the first."""
    outcomes: list[str] = []

    def run(network: Any) -> None:
        for _ in range(100):
            try:
                (depth,) = network.run(picture.input)
            except module.Busy:
                outcomes.append("busy")
            else:
                right = np.allclose(depth, expected, rtol=1e-5, atol=1e-5)
                outcomes.append("right" if right else "wrong")

    with module.DepthNetwork(threads=1) as shared:
        threads = [threading.Thread(target=run, args=(shared,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(outcomes) == 200
    assert "right" in outcomes
    assert "wrong" not in outcomes


def test_the_library_may_lie_beside_the_module(package: Package, tmp_path: Path) -> None:
    for file in (package.folder / MODULE, package.library):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert load(tmp_path / "small_net.py").MANIFEST["name"] == "small-net"
