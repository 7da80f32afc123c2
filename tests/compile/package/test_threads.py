"""A package's own threads: what they compute, where they run, how they end."""

from __future__ import annotations

import ctypes
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from compile.package.build_package import package_model
from compile.package.loaded_library import LoadedNetwork, Options, open_library
from compile.package.manifest_file import Package

OK, BAD_ARGUMENT = 0, 1
NO_THREAD = 6
TRIES = 50


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    weight = np.random.default_rng(0).standard_normal((32, 16, 3, 3), np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "weight"], ["sums"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["sums"], ["y"]),
        ],
        "wide",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 16, 64, 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 32, 64, 64])],
        [numpy_helper.from_array(weight, "weight")],
    )
    path = tmp_path_factory.mktemp("model") / "wide.onnx"
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


@pytest.fixture(scope="module")
def package(model: Path) -> Package:
    return package_model(model, "host", model.parent / "package", threads=3)


def _tasks() -> int:
    return len(os.listdir("/proc/self/task"))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_any_number_of_threads_computes_the_same(
    model: Path, package: Package, threads: int
) -> None:
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    generator = np.random.default_rng(threads)
    before = _tasks()
    with LoadedNetwork(package.library, threads) as network:
        assert _tasks() == before + threads - 1
        for _ in range(20):
            x = generator.standard_normal((1, 16, 64, 64), np.float32)
            (expected,) = session.run(None, {"x": x})
            result = network.run({"x": x})["y"]
            np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4)
    assert _tasks() == before


def test_the_callers_pin_ends_with_the_run(package: Package) -> None:
    library = open_library(package.library)
    cpu = max(os.sched_getaffinity(0))
    before = os.sched_getaffinity(0)
    handle = ctypes.c_uint64()
    cpus = (ctypes.c_int32 * 2)(cpu, cpu)
    options = Options(threads=2, cpus=cpus, cpu_count=2)
    assert library.depth_create(ctypes.byref(handle), ctypes.byref(options)) == OK
    pinned = [os.sched_getaffinity(int(task)) for task in os.listdir("/proc/self/task")]
    assert {cpu} in pinned
    x, y = np.zeros((1, 16, 64, 64), np.float32), np.empty((1, 32, 64, 64), np.float32)
    words: list[Any] = []
    for array in (x, y):
        words.append((ctypes.c_void_p * 1)(array.ctypes.data))
        words.append((ctypes.c_size_t * 1)(array.nbytes))
    assert library.depth_run(handle, *words) == OK
    assert os.sched_getaffinity(0) == before
    assert library.depth_destroy(handle) == OK


def test_threads_that_cannot_be_had_are_refused(package: Package) -> None:
    library = open_library(package.library)
    handle = ctypes.c_uint64()
    nowhere = (ctypes.c_int32 * 3)(0, 1023, 1023)
    tries = {
        BAD_ARGUMENT: [
            Options(threads=4),
            Options(threads=-1),
            Options(threads=2, cpus=nowhere, cpu_count=1),
        ],
        NO_THREAD: [
            Options(threads=3, cpus=nowhere, cpu_count=3),
            Options(threads=1, cpus=(ctypes.c_int32 * 1)(-1), cpu_count=1),
        ],
    }
    before = _tasks()
    for status, refused in tries.items():
        for options in refused:
            assert library.depth_create(ctypes.byref(handle), ctypes.byref(options)) == status
            assert handle.value == 0
            assert library.depth_last_error(0)
    assert _tasks() == before


def test_an_ended_threads_error_is_not_that_of_a_later_thread(package: Package) -> None:
    """Though the system calls both the same."""
    library = open_library(package.library)
    handle = ctypes.c_uint64()
    assert library.depth_create(ctypes.byref(handle), None) == OK
    told: dict[str, tuple[int, bytes]] = {}

    def fail() -> None:
        assert library.depth_run(handle, None, None, None, None) == BAD_ARGUMENT
        told["failed"] = threading.get_ident(), library.depth_last_error(handle)

    def ask() -> None:
        told["asked"] = threading.get_ident(), library.depth_last_error(handle)

    def twice_in_one_place() -> bool:
        for task in (fail, ask):
            thread = threading.Thread(target=task)
            thread.start()
            thread.join()
        return told["failed"][0] == told["asked"][0]

    assert any(twice_in_one_place() for _ in range(TRIES)), "no thread had another's place"
    assert library.depth_destroy(handle) == OK
    assert b"inputs" in told["failed"][1]
    assert told["asked"][1] == b""
