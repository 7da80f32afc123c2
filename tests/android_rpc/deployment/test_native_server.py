"""How a server starts on a device; adb is a stand-in."""

from __future__ import annotations

from pathlib import Path

import pytest

from android_rpc.adb.client import Adb
from android_rpc.deployment import native_server as module
from android_rpc.deployment.device_lock import lock_device
from android_rpc.deployment.native_server import native_server
from depthbench.errors import DeviceError

LISTENS = (
    "echo process=42 >&2; "
    "echo 'rpc_server 12:00:00.000Z server=listening address=127.0.0.1:1' >&2; read line"
)


@pytest.fixture
def adb(no_programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An adb whose shells do in turn what the files shell-1, shell-2... of the folder say."""
    monkeypatch.setenv("DEPTHBENCH_CACHE", str(tmp_path / "cache"))
    program = no_programs / "adb"
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *" shell "*)\n'
        f"  read n < {no_programs}/count; n=$((n + 1)); echo $n > {no_programs}/count\n"
        f"  . {no_programs}/shell-$n;; esac\n"
    )
    program.chmod(0o755)
    (no_programs / "count").write_text("0\n")
    return no_programs


def shells(folder: Path, *scripts: str) -> None:
    for number, script in enumerate(scripts, 1):
        (folder / f"shell-{number}").write_text(f"{script}\n")


def test_another_port_is_tried_when_one_is_taken(adb: Path) -> None:
    taken = "echo process=41 >&2; exit 4"
    shells(adb, taken, taken, LISTENS)
    with (
        lock_device(Adb("R58")) as lock,
        native_server(lock, ["server"], "127.0.0.1", "adb:R58") as server,
    ):
        assert server.number == 42
        assert server.shell.running
    assert (adb / "count").read_text() == "3\n"


@pytest.mark.parametrize(
    ("script", "limit_s", "message"),
    [
        ("echo 'no such file' >&2; exit 127", 30.0, "ended, exit code 127: no such file"),
        ("echo process=41 >&2; read line", 0.3, r"did not start in 0\.3 s"),
    ],
)
def test_a_server_that_does_not_start(
    adb: Path, monkeypatch: pytest.MonkeyPatch, script: str, limit_s: float, message: str
) -> None:
    monkeypatch.setattr(module, "START_S", limit_s)
    shells(adb, script)
    with (
        lock_device(Adb("R58")) as lock,
        pytest.raises(DeviceError, match=message),
        native_server(lock, ["server"], "127.0.0.1", "adb:R58"),
    ):
        pass


def test_a_device_on_which_every_port_is_taken(adb: Path) -> None:
    shells(adb, *["exit 4"] * module.PORT_TRIES)
    with (
        lock_device(Adb("R58")) as lock,
        pytest.raises(DeviceError, match="ports of the device were taken"),
        native_server(lock, ["server"], "127.0.0.1", "adb:R58"),
    ):
        pass
