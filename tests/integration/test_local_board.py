"""A board that is this machine: the same bundle, no connection; here under an emulator."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import psutil
import pytest

from android_rpc.board.local_host import LocalHost
from android_rpc.bundle.bundle import Bundle
from android_rpc.devices.emulated import CPU_MODEL, find_emulator
from android_rpc.devices.native_device import NativeDevice
from android_rpc.session import open_session
from android_rpc.telemetry import sysfs
from android_rpc.telemetry.topology import Core
from depthbench.errors import StorageFull

PROPERTIES = {"model": "this machine", "emulated": "no"}


class EmulatedBundle(Bundle):
    """A bundle whose server runs although this machine is no board."""

    def command(self, folder: str | PurePosixPath | None = None) -> list[str]:
        return [find_emulator(), "-cpu", CPU_MODEL, *super().command(folder)]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalHost:
    """This machine as if its cores were A76."""
    cores = [Core(number, 0x41, 0xD0B) for number in sorted(os.sched_getaffinity(0))]
    monkeypatch.setattr(sysfs, "read_cores", lambda _: cores)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return LocalHost()


def test_a_session_on_this_machine(
    host: LocalHost,
    bundle: Bundle,
    tmp_path: Path,
    processes_with: Callable[[str], list[psutil.Process]],
    wait_until: Callable[..., float],
) -> None:
    emulated = EmulatedBundle(bundle.folder, bundle.sha256, bundle.files)
    core = min(os.sched_getaffinity(0))
    device = NativeDevice(host, PROPERTIES, emulated, cores=[core])
    with device.reach() as endpoint, open_session(*endpoint) as session:
        assert session.affinity() == [core]
        assert session.identity().emulated
        assert device.conditions()["during"]["samples"] >= 1
    wait_until(lambda: processes_with(str(tmp_path)) == [], 60)
    left = set(os.listdir(tmp_path / "depthbench"))
    # this machine's own cache may lie in the same folder, where others wait for their turn
    assert left - {"devices"} == {f"bundle-{bundle.sha256[:16]}", "lease"}


def test_a_full_disk_is_said(host: LocalHost, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Path, folder: str) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(shutil, "copy", full)
    with pytest.raises(StorageFull, match="no space left on the board"):
        host.push([Path(__file__)], str(host.home))
