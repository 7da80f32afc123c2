"""The demo of a small network, and a browser with a camera that is none."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from playwright.sync_api import Browser, Playwright

from tests.integration.demo.seen_page import SeenPage
from tests.integration.headless_browser import run_browser

CAMERA = "--use-fake-device-for-media-stream"
ALLOWED = "--use-fake-ui-for-media-stream"
REFUSED = f"{ALLOWED}=deny"


@dataclass(frozen=True)
class Demo:
    """A `depthbench demo` that runs."""

    process: subprocess.Popen[str]
    said: dict[str, Any]
    records: Path

    @property
    def url(self) -> str:
        """What the browser opens."""
        return str(self.said["url"])


@contextlib.contextmanager
def run_demo(model: Path, folder: Path, device: str) -> Iterator[Demo]:
    """`depthbench demo` until Ctrl-C; packages lie beside the model, records in `folder`."""
    command = [sys.executable, "-m", "bench.cli", "demo", str(model), "--no-open", "--json"]
    records = folder / "records.jsonl"
    with subprocess.Popen(
        [*command, "--device", device, "--records", str(records)],
        cwd=model.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    ) as process:
        try:
            assert process.stdout
            assert process.stderr
            lines: list[str] = []
            for line in process.stdout:
                lines.append(line)
                if line == "}\n":
                    break
            else:
                raise AssertionError(process.stderr.read())
            yield Demo(process, json.loads("".join(lines)), records)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait(30)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ONNX model of depth, in metres, that compiles in a moment and takes some time to run."""
    rng = np.random.default_rng(0)
    channels = (3, 8, 1)
    nodes, weights, last = [], [], "image"
    for i, (before, after) in enumerate(itertools.pairwise(channels)):
        scale = 2 / (9 * before) ** 0.5
        kernel = (scale * rng.standard_normal((after, before, 3, 3))).astype(np.float32)
        weights.append(numpy_helper.from_array(kernel, f"w{i}"))
        nodes.append(helper.make_node("Conv", [last, f"w{i}"], [f"c{i}"], pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Softplus", [f"c{i}"], [last := f"s{i}"]))
    nodes[-1].output[0] = "depth"
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 32, 32])
    depth = helper.make_tensor_value_info("depth", TensorProto.FLOAT, [1, 1, 32, 32])
    graph = helper.make_graph(nodes, "small", [image], [depth], weights)
    path = tmp_path_factory.mktemp("model") / "small.onnx"
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), path)
    return path


@pytest.fixture(scope="module")
def demo(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with run_demo(model, tmp_path_factory.mktemp("demo"), "host") as demo:
        yield demo


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """With a camera, which pages may use."""
    with run_browser(playwright, CAMERA, ALLOWED) as browser:
        yield browser


@pytest.fixture
def visit(browser: Browser) -> Callable[[str], AbstractContextManager[SeenPage]]:
    """Opens the demo's page in a tab; what it complained of by the end is an error."""
    return lambda url: open_page(browser, url)


@contextlib.contextmanager
def open_page(browser: Browser, url: str) -> Iterator[SeenPage]:
    context = browser.new_context(accept_downloads=True)
    try:
        seen = SeenPage(context.new_page())
        seen.hear()
        seen.page.goto(url)
        yield seen
    finally:
        context.close()
    assert seen.complaints == []
    assert seen.elsewhere(url) == []
