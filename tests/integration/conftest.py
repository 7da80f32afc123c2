"""A compiled model, a tracker and an emulated phone, shared by the tests that start processes."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import onnx
import psutil
import pytest
from filelock import FileLock
from onnx import TensorProto, helper
from playwright.sync_api import Browser, Playwright, sync_playwright

from android_rpc.bundle.bundle import Bundle, build_bundle
from android_rpc.devices.emulated import EmulatedPhone
from android_rpc.tracker.tracker import Tracker
from bench.models import resolve_model
from bench.records.crash_recovery import WHOLE
from tests.integration.headless_browser import run_browser

ARM64 = {"kind": "llvm", "mtriple": "aarch64-linux-gnu", "mcpu": "cortex-a76", "num-cores": 1}


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with run_browser(playwright) as browser:
        yield browser


@pytest.fixture(scope="session")
def processes_with() -> Callable[[str], list[psutil.Process]]:
    return find_processes


@pytest.fixture(scope="session")
def wait_until() -> Callable[[Callable[[], object], float], float]:
    return wait


@pytest.fixture(scope="session")
def measuring() -> Callable[[Path], int]:
    return count_measuring


@pytest.fixture(scope="session")
def namespaces() -> None:
    """Skips where this machine does not let a user make namespaces."""
    words = ["unshare", "--user", "--map-root-user", "--mount", "--net", "--pid", "--fork"]
    script = (
        "mount --make-rprivate / && mount -t proc proc /proc && "
        "mount -t binfmt_misc none /proc/sys/fs/binfmt_misc && "
        "test -w /proc/sys/fs/binfmt_misc/register"
    )
    done = subprocess.run([*words, "sh", "-c", script], capture_output=True, text=True)
    if done.returncode:
        reason = " ".join(done.stderr.split())
        pytest.skip(f"test phones and boards need namespaces and binfmt_misc in them: {reason}")


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    return build_bundle()


@pytest.fixture(scope="session")
def flagship(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped flagship as ONNX, exported by whichever worker asks for it first."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    with FileLock(folder / "flagship.lock"):
        return resolve_model("mobiledepth", folder / "flagship").path


@pytest.fixture
def depthbench(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts a `depthbench` command in a folder of its own."""

    def start(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "bench.cli", *arguments],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
        )

    return start


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ONNX model of depth that compiles in a moment."""
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 32, 32])
    depth = helper.make_tensor_value_info("depth", TensorProto.FLOAT, [1, 1, 32, 32])
    weight = helper.make_tensor("w", TensorProto.FLOAT, [1, 3, 1, 1], [0.1, 0.7, 0.2])
    bias = helper.make_tensor("b", TensorProto.FLOAT, [1], [1.0])
    node = helper.make_node("Conv", ["image", "w", "b"], ["depth"])
    graph = helper.make_graph([node], "tiny", [image], [depth], [weight, bias])
    path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), path)
    return path


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """main(x, y) = (x + y, (x * y,)) of 4 x 256 floats, for the phone."""
    import tvm
    from tvm import relax

    builder = relax.BlockBuilder()
    x, y = (relax.Var(name, relax.TensorType((4, 256), "float32")) for name in "xy")
    with builder.function("main", [x, y]):
        with builder.dataflow():
            total = builder.emit(relax.op.add(x, y))
            product = builder.emit(relax.op.multiply(x, y))
            pair = relax.Tuple([total, relax.Tuple([product])])
            result = builder.emit_output(pair)
        builder.emit_func_output(result)
    executable = tvm.compile(builder.get(), target=tvm.target.Target(ARM64))
    library = tmp_path_factory.mktemp("model") / "tiny.so"
    executable.export_library(str(library), fcompile=link_arm64)
    return library


def link_arm64(output: str, objects: list[str], **_: object) -> None:
    link = [sys.executable, "-m", "ziglang", "ld.lld", "-shared", "-nostdlib"]
    link += ["-z", "max-page-size=65536", "-z", "noexecstack", "-o", str(output)]
    subprocess.run([*link, *map(str, objects)], check=True)


@pytest.fixture(scope="module")
def tracker() -> Iterator[Tracker]:
    with Tracker() as tracker:
        yield tracker


@pytest.fixture(scope="module")
def phone(tracker: Tracker, bundle: Bundle) -> Iterator[EmulatedPhone]:
    phone = EmulatedPhone(bundle)
    with phone.serve(tracker):
        yield phone
    assert find_processes(phone.key) == []


def find_processes(word: str) -> list[psutil.Process]:
    """The living processes that have `word` in their command line."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            if any(word in argument for argument in process.cmdline()):
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def count_measuring(records: Path) -> int:
    """How many measurements that will be appended to `records` have samples by now."""
    found = 0
    for file in records.parent.glob(f".{records.name}.*{WHOLE}"):
        with contextlib.suppress(FileNotFoundError):  # it has just been replaced
            found += bool(json.loads(file.read_text())["samples_ms"])
    return found


def wait(condition: Callable[[], object], limit_s: float) -> float:
    """Seconds until `condition` held; fails the test when it takes longer than `limit_s`."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < limit_s, f"not within {limit_s} s"
        time.sleep(0.02)
    return time.monotonic() - started
