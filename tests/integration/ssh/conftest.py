"""Test boards that the real ssh reaches, with keys and settings of their own."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.integration.device_double import DeviceDouble

PROGRAM = Path(__file__).with_name("board")
HOME = "home/pi/.cache/depthbench"
LISTENS = "0A"  # a socket's state in /proc/net/tcp


class BoardDouble(DeviceDouble):
    """A test board, which `ssh` knows by its name; see `board/__main__.py`."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder = folder
        self._options = options

    def __enter__(self) -> BoardDouble:
        self._folder.mkdir(exist_ok=True)
        self.start(PROGRAM, str(self._folder), *self._options)
        self.name = f"board-{self.port}"
        self.device = f"ssh:{self.name}"
        self.wait_until_ready()
        (self.root / "data/local/tmp").mkdir(parents=True)
        self.configure()
        self.know((self._folder / "host_key.pub").read_text())
        return self

    def __exit__(self, *_: object) -> None:
        self.end(self.device)

    def configure(self, key: str = "user_key", *more: str) -> None:
        """The user's ssh settings, and a program that takes those instead of ~/.ssh."""
        lines = [f"Host {self.name}", "HostName 127.0.0.1", f"Port {self.port}", "User pi"]
        lines += [f"HostKeyAlias {self.name}", f"IdentityFile {self._folder / key}"]
        lines += ["IdentitiesOnly yes", "IdentityAgent none", f"UserKnownHostsFile {self.known}"]
        lines += ["GlobalKnownHostsFile none", *more]
        (self._folder / "config").write_text("\n".join(lines) + "\n")
        program = self.programs / "ssh"
        program.parent.mkdir(exist_ok=True)
        real = shutil.which("ssh", path=os.defpath)
        program.write_text(f'#!/bin/sh\nexec {real} -F {self._folder}/config "$@"\n')
        program.chmod(0o755)

    def know(self, key: str) -> None:
        """The host key that the user has confirmed."""
        self.known.write_text(f"{self.name} {' '.join(key.split()[:2])}\n" if key else "")

    @property
    def known(self) -> Path:
        return self._folder / "known_hosts"

    @property
    def programs(self) -> Path:
        """The folder of the `ssh` that knows this board."""
        return self._folder / "programs"

    def replug(self) -> None:
        """Lets connections in again."""
        self.order("plug")

    def log_in_with(self, shell: str) -> None:
        """Changes the user's login shell."""
        (self.root / "etc/passwd").write_text(f"pi:*:1000:1000::/home/pi:{shell}\n")

    def files(self) -> list[str]:
        """What lies in depthbench's folder on the board, beside the bundle and the lock."""
        with contextlib.suppress(FileNotFoundError):
            names = sorted(os.listdir(self.root / HOME))
            return [name for name in names if not name.startswith(("bundle-", "lease"))]
        return []

    def listeners(self) -> list[str]:
        """Ports of the board on which something listens, hexadecimal: sshd's rules, servers."""
        lines = Path(f"/proc/{self.inside}/net/tcp").read_text().splitlines()[1:]
        fields = [line.split() for line in lines]
        return [field[1].rpartition(":")[2] for field in fields if field[3] == LISTENS]

    def remove_bundle(self) -> None:
        shutil.rmtree(self.root / HOME, ignore_errors=True)


def ssh_left(board: BoardDouble) -> list[str]:
    """Command lines of this machine's ssh processes to a board."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            line = " ".join(process.cmdline())
            found += [line] if f"{board.programs.parent}/config" in line else []
    return found


@pytest.fixture(scope="module")
def one_board(namespaces: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BoardDouble]:
    with BoardDouble(tmp_path_factory.mktemp("board")) as board:
        yield board


@pytest.fixture
def board(one_board: BoardDouble, monkeypatch: pytest.MonkeyPatch) -> Iterator[BoardDouble]:
    """The board of all tests of a module, as it was when it was new, and `ssh` that reaches it."""
    reach(one_board, monkeypatch)
    kept = {name: one_board.root / name for name in ("etc/passwd", "etc/ssh/sshd_config")}
    texts = {name: file.read_text() for name, file in kept.items()}
    known = one_board.known.read_text()
    yield one_board
    one_board.known.write_text(known)
    for name, file in kept.items():
        file.write_text(texts[name])
    one_board.configure()


def reach(board: BoardDouble, patch: pytest.MonkeyPatch) -> None:
    """Puts the `ssh` that knows a board on the path."""
    patch.setenv("PATH", str(board.programs), prepend=os.pathsep)
