"""An adb server of the tests' own, and test phones that are connected to it."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from depthbench.files import cache_folder
from tests.integration.device_double import DeviceDouble

PROGRAM = Path(__file__).with_name("phone")
START_S = 120  # the first start fetches the shell


class PhoneDouble(DeviceDouble):
    """A test phone on a cable of loopback; see `phone/__main__.py`."""

    def __init__(self, *options: str) -> None:
        self._options = options

    def __enter__(self) -> PhoneDouble:
        self.start(PROGRAM, *self._options)
        self.serial = f"127.0.0.1:{self.port}"
        self.wait_until_ready()
        return self

    def __exit__(self, *_: object) -> None:
        adb("disconnect", self.serial)
        self.end(f"adb:{self.serial}")

    def connect(self) -> None:
        """What plugging a phone in is for a real one."""
        said = adb("connect", self.serial)
        assert "connected to" in said or "failed to authenticate" in said, said

    def replug(self) -> None:
        """Restores the cable, and has adb see it."""
        self.order("plug")
        adb("disconnect", self.serial)
        self.connect()

    def shell(self, script: str) -> str:
        return adb("-s", self.serial, "shell", "-n", script)

    def write(self, path: str, text: object) -> None:
        self.shell(f"echo '{text}' > {path}")

    def files(self) -> list[str]:
        """What lies in depthbench's folder on the phone, beside the bundle."""
        names = self.shell("ls /data/local/tmp/depthbench 2>/dev/null; true").split()
        return [name for name in names if not name.startswith("bundle-")]


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
