"""rpc-measure and rpc-serve on a board behind a real sshd; the board runs under an emulator."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from android_rpc.tracker.tracker import Tracker
from compile.pipeline import compile_model
from tests.integration.ssh.conftest import BoardDouble, ssh_left

DEADLINE_S = 300
FEW = ("--quick", "--samples", "3", "--seconds", "0", "--sessions", "1")


@pytest.fixture(scope="module")
def artefact(model: Path) -> str:
    return str(compile_model(model, "arm64-a76", model.parent / "tiny-arm64-a76").folder)


def assert_nothing_left(board: BoardDouble, wait_until: Callable[..., float]) -> None:
    wait_until(lambda: board.running() == [], 60)
    assert ssh_left(board) == []
    assert board.files() == []
    assert board.listeners() == []


def test_a_measurement_over_ssh(
    board: BoardDouble,
    artefact: str,
    depthbench: Callable[..., subprocess.Popen[str]],
    wait_until: Callable[..., float],
) -> None:
    # a board may be so warm, where a phone would have to cool down
    (board.root / "sys/class/thermal/thermal_zone0/temp").write_text("62000\n")
    process = depthbench("rpc-measure", artefact, "--device", board.device, "--json", *FEW)
    out, errors = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, errors
    record = json.loads(out)
    assert (record["kind"], record["emulated"]) == ("emulated cost", True)
    assert record["label"] == "emulated cost, not latency"
    assert record["device"] == {"name": board.device, "emulated": True}
    assert record["conditions"]["server"]["platform"] == "emulator"
    before, after = record["conditions"]["before"], record["conditions"]["after"]
    assert (before["model"], before["manufacturer"]) == ("Test Board", "depthbench")
    assert before["system"] == "Test Linux 12 (bookworm)"
    assert before["cpu_model"] == "Cortex-A76"
    assert after["cores"] == after["cpus"]
    assert after["during"]["hottest_c"] == {"cpu-thermal": 62.0}
    assert "too warm" not in errors
    assert record["agreement"]["max_relative_difference"] <= 1e-4
    assert_nothing_left(board, wait_until)


def test_a_board_is_lent(
    board: BoardDouble,
    artefact: str,
    depthbench: Callable[..., subprocess.Popen[str]],
    wait_until: Callable[..., float],
) -> None:
    with Tracker() as tracker:
        at = f"{tracker.host}:{tracker.port}"
        words = ("--device", board.device, "--tracker", at, "--key", "boards", "--json")
        server = depthbench("rpc-serve", *words)
        assert server.stdout is not None
        told = json.loads("".join(iter(server.stdout.readline, "}\n")) + "}")
        assert told["device"] == board.device
        client = depthbench("rpc-measure", artefact, "--device", told["use"], "--json", *FEW)
        out, errors = client.communicate(timeout=DEADLINE_S)
        assert client.returncode == 0, errors
        assert json.loads(out)["device"] == {"name": board.device, "emulated": True}
        server.send_signal(signal.SIGINT)
        _, errors = server.communicate(timeout=DEADLINE_S)
        assert server.returncode == 130, errors
    assert_nothing_left(board, wait_until)
