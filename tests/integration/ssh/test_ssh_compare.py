"""compare on a board behind a real sshd, with the arm64 Python and a runtime's own wheel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.peers.device_comparison import compare_on_device
from tests.integration.ssh.conftest import BoardDouble, reach
from tests.integration.ssh.test_ssh_measure import assert_nothing_left


@pytest.mark.usefixtures("namespaces")
def test_a_runtime_on_a_board(
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    wait_until: Callable[..., float],
) -> None:
    with BoardDouble(tmp_path / "board", "--home", "size=256m") as board:
        reach(board, monkeypatch)
        found = compare_on_device(
            str(model), tmp_path, board.device, runtimes="onnxruntime", rounds=3
        )
        assert found["label"] == "emulated cost, not latency"
        row = found["runtimes"]["onnxruntime"]
        assert row["cores"] == found["conditions"]["before"]["cpus"]
        assert row["agreement"]["max_relative_difference"] <= 1e-4
        assert row["cpu_ms"]["count"] == 3
        assert row["valid"], row["reasons"]
        assert_nothing_left(board, wait_until)
