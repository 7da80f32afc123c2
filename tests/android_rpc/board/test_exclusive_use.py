"""One client of a board at a time, whatever machine it is on; the board is this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from android_rpc.board.exclusive_use import exclusive_use
from android_rpc.board.local_host import LocalHost
from depthbench.errors import DeviceError

OTHER = """
import sys
from android_rpc.board import exclusive_use as module
from android_rpc.board.local_host import LocalHost
if sys.argv[1] != "here":
    module.BOOT = module.Path(sys.argv[1])
with module.exclusive_use(LocalHost(), print, 60):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalHost:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return LocalHost()


@pytest.fixture
def other(board: LocalHost, tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Another client, of this machine or (by another start of its kernel) of another."""

    def start(boot: str) -> subprocess.Popen[str]:
        (tmp_path / "boot").write_text("another-machine\n")
        place = str(tmp_path / "boot") if boot == "elsewhere" else "here"
        process = subprocess.Popen(
            [sys.executable, "-c", OTHER, place],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process

    return start


def test_another_client_is_waited_for(
    board: LocalHost, other: Callable[..., subprocess.Popen[str]]
) -> None:
    with other("elsewhere") as process:
        told: list[str] = []
        with (
            pytest.raises(DeviceError, match=f"^process {process.pid} of .* measures on board"),
            exclusive_use(board, told.append, wait_s=0.3),
        ):
            pass
        assert "waiting for it" in told[0]
        process.communicate()
    with exclusive_use(board, told.append, wait_s=0.3):
        pass


def test_what_a_dead_client_has_left_is_removed(
    board: LocalHost, other: Callable[..., subprocess.Popen[str]]
) -> None:
    """Its shell may still be there: a board does not notice at once that a cable was pulled."""
    process = other("here")
    left = Path(board.home) / "run-1"
    left.mkdir()
    process.kill()
    process.communicate()
    with (
        subprocess.Popen(["sh", "-c", "read line", str(left)], stdin=subprocess.PIPE) as forgotten,
        exclusive_use(board, lambda line: None, wait_s=30),
    ):
        assert sorted(os.listdir(board.home)) == ["lease"]
        assert forgotten.wait(30) == -9


def test_a_lock_that_outlives_its_client_is_taken_over(board: LocalHost, tmp_path: Path) -> None:
    """The connection of a client that is no more, as the board sees it."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        boot = file.read().strip()
    dead = subprocess.Popen(["true"])
    dead.wait()
    script = f"exec 9>> {board.home}/lease; flock 9; echo $$ host {dead.pid} {boot} > lease; read x"
    with subprocess.Popen(
        ["sh", "-c", f"cd {board.home}; {script}"], stdin=subprocess.PIPE
    ) as stale:
        while (
            not (Path(board.home) / "lease").exists()
            or not (Path(board.home) / "lease").read_text()
        ):
            assert stale.poll() is None
        with exclusive_use(board, lambda line: None, wait_s=30):
            assert stale.wait(30) == -15


def test_a_board_without_flock_is_not_locked(
    board: LocalHost, no_programs: Path, tmp_path: Path
) -> None:
    home = Path(tmp_path / "depthbench")
    (home / "run-1").mkdir(parents=True)
    board.home = home  # type: ignore[assignment]
    for name in ("sh", "cat", "sleep"):
        (no_programs / name).symlink_to(f"/bin/{name}")
    with exclusive_use(board, lambda line: None, wait_s=1):
        assert (home / "run-1").exists()  # it may be another's
