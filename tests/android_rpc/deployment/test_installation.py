"""The bundle on a machine that lacks what it takes to check it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from android_rpc.board.local_host import LocalHost
from android_rpc.bundle.bundle import Bundle
from android_rpc.deployment.device_lock import DeviceLock
from android_rpc.deployment.installation import install_bundle
from android_rpc.deployment.undo_journal import UndoJournal
from depthbench.errors import DeviceError


def test_a_machine_without_checksums_is_said(no_programs: Path, tmp_path: Path) -> None:
    host = LocalHost()
    host.home = tmp_path  # type: ignore[assignment]
    shell = shutil.which("sh", path="/bin:/usr/bin")
    assert shell
    (no_programs / "sh").symlink_to(shell)
    bundle = Bundle(tmp_path, "0" * 64, {"rpc_server": {"sha256": "0" * 64, "bytes": 1}})
    with (tmp_path / "journal").open("a+") as file:
        lock = DeviceLock(host, UndoJournal(file))
        with pytest.raises(DeviceError, match=r"^board \S+ has no sha256sum, by which"):
            install_bundle(lock, bundle)
