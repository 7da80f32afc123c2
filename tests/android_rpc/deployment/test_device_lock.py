"""What a client leaves on a device, and who undoes it; adb is a stand-in."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from android_rpc.adb.client import Adb
from android_rpc.deployment import device_lock
from android_rpc.deployment.device_lock import lock_device
from depthbench.errors import DeviceError

SERIAL = "R58"


@pytest.fixture
def stand_in(
    no_programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Path]:
    """Puts a script named adb on the path; the file gets its calls, one a line."""
    monkeypatch.setenv("DEPTHBENCH_CACHE", str(tmp_path / "cache"))

    def write(script: str) -> Path:
        program = no_programs / "adb"
        program.write_text(f'#!/bin/sh\necho "$@" >> {no_programs}/calls\n{script}\n')
        program.chmod(0o755)
        return no_programs / "calls"

    return write


def test_a_port_that_is_taken_is_left_and_another_is_tried(
    stand_in: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = iter([20001, 20001, 20002])
    monkeypatch.setattr(device_lock.random, "choice", lambda _: next(ports))
    calls = stand_in(
        'case "$*" in *--list) echo "UsbFfs tcp:20001 tcp:9"; echo "UsbFfs tcp:20002 tcp:9";;'
        " *get-state) echo device;;"
        ' *tcp:20001*) echo "adb: error: cannot rebind existing socket" >&2; exit 1;; esac'
    )
    with lock_device(Adb(SERIAL)) as lock, lock.reverse(9) as port:
        assert port == 20002
    said = calls.read_text().splitlines()
    assert said.count("-s R58 reverse --no-rebind tcp:20001 tcp:9") == 2
    assert said[-1] == "-s R58 reverse --remove tcp:20002"
    assert not any("--remove tcp:20001" in line for line in said)


def test_a_rule_that_could_not_be_made_is_said(stand_in: Callable[[str], Path]) -> None:
    calls = stand_in("echo 'error: device offline' >&2; exit 1")
    with (
        pytest.raises(DeviceError, match="device offline"),
        lock_device(Adb(SERIAL)) as lock,
        lock.forward(1),
    ):
        pass
    assert calls.read_text().count("--no-rebind") == 1


def test_what_could_not_be_undone_the_next_client_undoes(stand_in: Callable[[str], Path]) -> None:
    stand_in("exit 0")
    folder = PurePosixPath("/data/local/tmp/depthbench/run-1")
    with lock_device(Adb(SERIAL)) as lock, lock.folder(folder), lock.forward(9) as port:
        stand_in("echo 'error: device offline' >&2; exit 1")
    calls = stand_in(f'case "$*" in *--list) echo "R58 tcp:{port} tcp:9";; esac')
    calls.unlink()
    with lock_device(Adb(SERIAL)):
        pass
    said = calls.read_text().splitlines()
    assert said[1] == f"-s R58 forward --remove tcp:{port}"
    assert "rm -rf /data/local/tmp/depthbench/run-[1]" in said[2]
    calls.unlink()
    with lock_device(Adb(SERIAL)):
        pass
    assert not calls.exists()


OWNER = """
import os, sys, time
from android_rpc.adb.client import Adb
from android_rpc.deployment.device_lock import lock_device
with lock_device(Adb("R58")) as lock, lock.forward(9) as port:
    print(port, flush=True)
    time.sleep(600)
"""


def test_a_living_client_is_waited_for_and_a_dead_one_cleaned_up_after(
    stand_in: Callable[[str], Path],
) -> None:
    calls = stand_in("exit 0")
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    try:
        port = owner.stdout.readline().strip()
        made = calls.read_text()
        told: list[str] = []
        with (
            pytest.raises(DeviceError, match=f"process {owner.pid} measures on phone R58"),
            lock_device(Adb(SERIAL), told.append, wait_s=0.3),
        ):
            pass
        assert f"process {owner.pid} measures on phone R58: waiting" in told[0]
        with lock_device(Adb("another")):
            pass
        assert calls.read_text() == made
    finally:
        owner.kill()
        owner.communicate()
    stand_in(f'case "$*" in *--list) echo "R58 tcp:{port} tcp:9";; esac')
    with lock_device(Adb(SERIAL)):
        pass
    assert calls.read_text().splitlines()[-1] == f"-s R58 forward --remove tcp:{port}"


def test_half_a_line_of_a_killed_client_does_no_harm(
    stand_in: Callable[[str], Path], tmp_path: Path
) -> None:
    stand_in("exit 0")
    journal = tmp_path / "cache" / "devices" / "adb%3AR58"
    journal.parent.mkdir(parents=True)
    journal.write_text("client 1\nbegun forward 1")
    with lock_device(Adb(SERIAL)):
        assert len(journal.read_text().splitlines()) == 1
