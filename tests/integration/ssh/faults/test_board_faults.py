"""What can go wrong between a user and a board, and what the user then gets.

As the fault matrix of phones (`tests/integration/adb/faults`), over ssh: after each row one clear
line, no sample lost, and nothing left: no process on either side, no folder but the bundle's, no
port of the board on which anything listens, no connection. The next row measures at once.
"""

from __future__ import annotations

import os
import platform
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from android_rpc.board.properties import ARM64
from android_rpc.deployment.device_lock import lock_device
from android_rpc.ssh.ssh_host import SshHost
from tests.integration.adb.faults.case import PIECE, SAMPLES, Case, wait
from tests.integration.adb.faults.command_line import Command, Commands
from tests.integration.adb.faults.row import HOLDS, Note, Row, check_end, note
from tests.integration.ssh.conftest import BoardDouble, ssh_left

GONE = r"board \S+ \(Test Board\) is gone: switched off, restarting, or the connection was cut"
PASSWORD = r"does not let this user in without a password .*; give it your key with `ssh-copy-id"
CHANGED = r"its host key is not the one that is known here .* somebody may be in between"
FULL = r"no space left on the (board|device); free some of its storage"


class BoardCase(Case):
    """One row at work on a board."""

    phone: BoardDouble  # type: ignore[assignment]

    def __init__(self, board: BoardDouble, commands: Commands, artefact: Path, folder: Path):
        super().__init__(board, commands, artefact, folder, folder)  # type: ignore[arg-type]
        self._config = self.config.read_text()

    def start(self, name: str, *options: str) -> Command:
        words = ["rpc-measure", str(self.artefact), "--device", self.phone.device]
        words += ["--warmup", "0", "--samples", str(SAMPLES), "--seconds", "0", "--sessions", "1"]
        return self._commands.start(self.folder / name, *words, *options)

    def cut_while_pushing(self) -> None:
        self.phone.remove_bundle()
        self.pull_after_a_piece()

    def fill_home(self) -> None:
        """So that the bundle does not fit."""
        self.phone.remove_bundle()
        folder = self.phone.root / "home/pi"
        space = os.statvfs(folder)
        with (folder / "filling").open("wb") as filling:
            os.posix_fallocate(filling.fileno(), 0, space.f_bavail * space.f_frsize - PIECE)

    def have_another_key(self) -> None:
        self.phone.configure("host_key")

    def have_changed(self) -> None:
        """As a board with a new system."""
        self.phone.know((self.phone.programs.parent / "user_key.pub").read_text())

    def ask_for_a_password(self) -> None:
        text = self.config.read_text()
        text = text.replace("PasswordAuthentication no", "PasswordAuthentication yes")
        self.config.write_text(f"PubkeyAuthentication no\n{text}")

    def be_x86(self) -> None:
        """All programs are those of this machine."""
        shell = self.phone.root / "bin/native"
        shell.write_text('#!/bin/sh\nPATH=/usr/bin exec sh "$@"\n')
        shell.chmod(0o755)
        self.phone.log_in_with("/bin/native")

    def log_in_with_fish(self) -> None:
        fish = shutil.which("fish")
        assert fish, "fish is not installed: make board"
        self.phone.log_in_with(fish)

    @property
    def config(self) -> Path:
        return self.phone.root / "etc/ssh/sshd_config"

    def be_silent(self) -> None:
        self.phone.order("silence")

    def repair(self) -> None:
        self.config.write_text(self._config)
        self.phone.log_in_with("/bin/sh")
        self.phone.configure()
        self.phone.know((self.phone.programs.parent / "host_key.pub").read_text())
        for name in ("plan", "reached", "go"):
            (self.tmp / name).unlink(missing_ok=True)
        (self.phone.root / "home/pi/filling").unlink(missing_ok=True)
        self.phone.replug()


def do(name: str) -> Callable[[Case], object]:
    """What the method of the row's case called `name` does."""
    return lambda case: getattr(case, name)()


MATRIX = [
    Row("wrong key", "start", PASSWORD, kept="none", arm=do("have_another_key")),
    Row("asks for a password", "start", PASSWORD, kept="none", arm=do("ask_for_a_password")),
    Row("host key changed", "start", CHANGED, kept="none", arm=do("have_changed")),
    Row("login shell is fish", "start", "", 0, "valid", arm=do("log_in_with_fish")),
    Row("connection cut", "push", GONE, kept="none", arm=do("cut_while_pushing")),
    Row("connection cut", "upload", GONE, kept="none", arm=do("pull_after_a_piece")),
    Row("connection cut", "first run", GONE, kept="none", strike=do("unplug")),
    Row("connection cut", "mid-sampling", GONE, strike=do("unplug")),
    Row("board silent", "mid-sampling", GONE, strike=do("be_silent")),
    Row("board reboots", "mid-sampling", GONE, strike=do("reboot")),
    Row("server killed", "mid-sampling", "the server .* was killed", strike=do("kill_server")),
    Row("full home", "push", FULL, kept="none", arm=do("fill_home")),
    Row("two clients at once", "mid-sampling", "", 0, "valid", strike=do("start_another")),
    Row(
        *("Ctrl-C again and again", "mid-sampling", "interrupted", 130),
        strike=do("press_ctrl_c_until_it_ends"),
    ),
    Row(
        *("client killed", "mid-sampling", "", -signal.SIGKILL, "invalid"),
        reason="the process that measured was killed",
        strike=do("kill_client"),
    ),
]
if platform.machine() not in ARM64:
    MATRIX.append(
        Row("host is no arm64", "start", r"is \w+, not 64-bit ARM", kept="none", arm=do("be_x86"))
    )


@pytest.mark.parametrize("row", MATRIX, ids=str)
def test_a_fault_of_a_board(
    row: Row,
    board: BoardDouble,
    commands: Commands,
    artefact: Path,
    tmp_path: Path,
    record_property: Note,
) -> None:
    case = BoardCase(board, commands, artefact, tmp_path)
    if row.arm:
        row.arm(case)
    if row.strike:
        case.plan(HOLDS[row.stage])
    case.command = case.start("run", *row.options)
    if row.strike:
        case.wait_until_held()
        row.strike(case)
        case.let_go()
    ends = [(case.wait_for_end(command), command) for command in (case.command, *case.others)]
    case.repair()
    if row.exit_code < 0:
        case.measure_again()
    started = time.monotonic()
    with lock_device(SshHost(board.name)) as lock:
        assert lock.transport.shell("echo usable") == "usable\n"
    lock.transport.close()
    seconds = time.monotonic() - started
    wait(lambda: not board.running())
    left = [line for _, command in ends for line in command.processes()] + ssh_left(board)
    note(record_property, row.fault, row.stage, case.command, left, seconds, row.reason)
    for code, command in ends:
        check_end(row, code, command)
    assert left == []
    assert board.files() == []
    assert board.listeners() == []
