"""An adb server of the tests' own, and test phones that are connected to it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest

from depthbench.files import cache_folder

PROGRAM = Path(__file__).with_name("phone")
START_S = 120  # the first start fetches the shell


class PhoneDouble:
    """A test phone on a cable of loopback; see `phone/__main__.py`."""

    def __init__(self, *options: str) -> None:
        self._options = options

    def __enter__(self) -> PhoneDouble:
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), *self._options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.port = int(self._answer())
        self.serial = f"127.0.0.1:{self.port}"
        assert self._answer() == "ready"
        return self

    def __exit__(self, *_: object) -> None:
        adb("disconnect", self.serial)
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(60)
        finally:
            self.process.kill()
            self.process.wait()
            (cache_folder() / "devices" / quote(f"adb:{self.serial}", safe="")).unlink(
                missing_ok=True
            )

    def connect(self) -> None:
        """What plugging a phone in is for a real one."""
        said = adb("connect", self.serial)
        assert "connected to" in said or "failed to authenticate" in said, said

    @property
    def root(self) -> Path:
        """The phone's file system as this machine sees it, also when the cable is pulled."""
        (inside,) = psutil.Process(self.process.pid).children()
        return Path(f"/proc/{inside.pid}/root/mnt")

    def replug(self) -> None:
        """Restores the cable, and has adb see it."""
        self.order("plug")
        adb("disconnect", self.serial)
        self.connect()

    def order(self, words: str) -> None:
        """`unplug`, `plug` and so on; see `phone/__main__.py`."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{words}\n")
        self.process.stdin.flush()
        assert self._answer() == "done"

    def shell(self, script: str) -> str:
        return adb("-s", self.serial, "shell", "-n", script)

    def write(self, path: str, text: object) -> None:
        self.shell(f"echo '{text}' > {path}")

    def running(self, word: str = "") -> list[str]:
        """Command lines of what runs on the phone beside adbd, without adb's help."""
        found = []
        for process in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                line = " ".join(process.cmdline())
                if "inside.py" not in line and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(line)
        return [line for line in found if word in line]

    def files(self) -> list[str]:
        """What lies in depthbench's folder on the phone, beside the bundle."""
        names = self.shell("ls /data/local/tmp/depthbench 2>/dev/null; true").split()
        return [name for name in names if not name.startswith("bundle-")]

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


def adb(*words: str) -> str:
    done = subprocess.run(["adb", *words], capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


def rules() -> list[str]:
    """All rules of `adb forward`; those of `adb reverse` belong to a phone."""
    return [line for line in adb("forward", "--list").splitlines() if line.strip()]


@pytest.fixture(scope="session")
def adb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """adb's own server on a port of its own, with keys of its own, that no phone is known to."""
    assert shutil.which("adb"), "adb is not installed: make system"
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEPTHBENCH_CACHE", str(cache_folder()))
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("ANDROID_ADB_SERVER_PORT", str(port))
        patch.setenv("ADB_LOCAL_TRANSPORT_MAX_PORT", "5553")  # look for no emulator
        patch.delenv("ANDROID_SERIAL", raising=False)
        yield
        adb("kill-server")


@pytest.fixture
def make_phone(namespaces: None, adb_server: None) -> Iterator[Callable[..., PhoneDouble]]:
    """Starts a test phone and plugs it in; it ends with the test."""
    yield from phones()


@pytest.fixture(scope="module")
def make_shared_phone(namespaces: None, adb_server: None) -> Iterator[Callable[..., PhoneDouble]]:
    """The same, for all tests of a module."""
    yield from phones()


def phones() -> Iterator[Callable[..., PhoneDouble]]:
    with contextlib.ExitStack() as stack:

        def make(*options: str) -> PhoneDouble:
            phone = stack.enter_context(PhoneDouble(*options))
            phone.connect()
            return phone

        yield make


@pytest.fixture
def phone_double(make_phone: Callable[..., PhoneDouble]) -> PhoneDouble:
    return make_phone()


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
