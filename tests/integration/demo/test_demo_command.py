"""`depthbench demo` from its start to Ctrl-C, here and on the emulated phone."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
from playwright.sync_api import expect

from tests.integration.demo.conftest import Demo, run_demo
from tests.integration.demo.seen_page import PATIENCE_MS, SeenPage, compare_maps

Visit = Callable[[str], AbstractContextManager[SeenPage]]


def test_the_emulated_phone_computes_the_same_and_its_times_are_no_latency(
    model: Path, tmp_path: Path, visit: Visit, wait_until: Callable[..., float]
) -> None:
    with run_demo(model, tmp_path, "emulated") as demo:
        with visit(demo.url) as seen:
            expect(seen.page.locator("#device")).to_contain_text("emulated", timeout=PATIENCE_MS)
            seen.button("Use camera")
            assert seen.reads("fps") > 0
            assert seen.reads("forward") > 0
            seen.button("Benchmark")
            seen.says("300 forwards done")
            seen.button("Keep as record")
            seen.says("Kept in the records")
        compare_maps(seen, model)
        wait_until(demo.records.exists, 30)
    record = json.loads(demo.records.read_text())
    assert (record["kind"], record["source"]) == ("emulated cost", "demo")
    assert record["device"]["emulated"]
    assert record["target"] == "arm64-a76"
    assert len(record["samples_ms"]) == 300


def test_ctrl_c_ends_everything_and_the_page_says_so(
    model: Path,
    tmp_path: Path,
    visit: Visit,
    processes_with: Callable[[str], list[psutil.Process]],
) -> None:
    with run_demo(model, tmp_path, "host") as demo, visit(demo.url) as seen:
        seen.button("Use camera")
        seen.reads("forward")
        server = children(demo)
        assert server
        demo.process.send_signal(signal.SIGINT)
        assert demo.process.wait(30) == 130
        assert not any(process.is_running() for process in server)
        seen.says("The server has ended")
        expect(seen.page.get_by_role("button", name="Use camera")).to_be_disabled()
        expect(seen.page.get_by_role("button", name="Try again")).to_be_visible()
    assert processes_with(str(tmp_path)) == []


def children(demo: Demo) -> list[psutil.Process]:
    return psutil.Process(demo.process.pid).children(recursive=True)
