"""Ctrl-C in every command: exit code 130, one line, no process and no half-written file left."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx
import psutil
import pytest

DEADLINE_S = 300


@contextmanager
def command(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A `depthbench` command in its own session; whatever is left of it is killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.cli", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "the command did not get that far"
        time.sleep(0.05)


def loaded(process: subprocess.Popen[str], library: str) -> bool:
    """Whether the process has mapped a library whose path contains `library`."""
    return library in Path(f"/proc/{process.pid}/maps").read_text()


def interrupt(process: subprocess.Popen[str]) -> str:
    """Press Ctrl-C; the process and all that it started must end. Returns its stderr."""
    started = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert [line for line in errors.splitlines() if line.startswith("depthbench: ")] == [
        "depthbench: interrupted"
    ]
    _, alive = psutil.wait_procs(started, timeout=60)
    assert alive == []
    return errors


@pytest.mark.parametrize(
    ("arguments", "library"),
    [
        (("export",), "libtorch_cpu"),
        (("eval", "--data", "rooms", "--limit", "600"), "onnxruntime"),
        (("compile",), "libtvm"),
        (("quickstart", "--data", "rooms"), "onnxruntime"),
    ],
)
def test_ctrl_c_while_computing(
    tmp_path: Path, flagship: Path, arguments: tuple[str, ...], library: str
) -> None:
    if "--data" in arguments:  # they find the model that they would export first
        (tmp_path / "out").mkdir()
        shutil.copy(flagship, tmp_path / "out" / flagship.name)
    with command(tmp_path, *arguments) as process:
        wait_for(lambda: loaded(process, library), process)
        interrupt(process)
    leftovers = [path for path in tmp_path.rglob("*") if path.is_file()]
    whole = {"mobiledepth.onnx", "records.jsonl"}
    assert {path.name for path in leftovers} <= whole, leftovers
    for path in leftovers:
        if path.suffix == ".onnx":
            onnx.checker.check_model(path)
        else:
            assert all(json.loads(line) for line in path.read_text().splitlines())


def test_ctrl_c_while_measuring_keeps_the_samples(
    tmp_path: Path, model: Path, measuring: Callable[[Path], int]
) -> None:
    sampling = ("--samples", "1", "--seconds", "600", "--warmup", "0")
    device = ("--device", "emulated")
    records = tmp_path / "out" / "records.jsonl"
    with command(tmp_path, "rpc-measure", str(model), *device, *sampling) as process:
        wait_for(lambda: measuring(records) == 1, process)
        interrupt(process)
    (line,) = records.read_text().splitlines()
    record = json.loads(line)
    assert record["samples_ms"]
    assert record["valid"] is False
    assert "interrupted" in record["reasons"]


def test_ctrl_c_ends_the_tracker_and_frees_its_port(tmp_path: Path) -> None:
    with command(tmp_path, "rpc-tracker", "--port", "0", "--json") as process:
        assert process.stdout is not None
        document = ""
        while not document.rstrip().endswith("}"):
            document += process.stdout.readline()
        port = json.loads(document)["port"]
        interrupt(process)
    assert not any(c.laddr.port == port for c in psutil.net_connections("tcp") if c.laddr)


def test_a_busy_port_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    with command(tmp_path, "rpc-tracker", "--port", "0", "--json") as process:
        assert process.stdout is not None
        document = ""
        while not document.rstrip().endswith("}"):
            document += process.stdout.readline()
        port = str(json.loads(document)["port"])
        with command(tmp_path, "rpc-tracker", "--port", port) as second:
            _, errors = second.communicate(timeout=DEADLINE_S)
        assert second.returncode == 2, errors
        assert port in errors
        assert len(errors.splitlines()) == 1
        interrupt(process)
