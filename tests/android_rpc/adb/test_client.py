"""The adb client against stand-ins for the program: what it says when adb misbehaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from android_rpc.adb.client import Adb, find_adb, run_adb
from android_rpc.devices.factory import open_device
from depthbench.errors import DeviceError, InputError, ToolMissing


@pytest.fixture
def stand_in(no_programs: Path) -> Callable[[str], Path]:
    """Puts a script named adb on the path; the folder also gets its calls, one a line."""

    def write(script: str) -> Path:
        program = no_programs / "adb"
        program.write_text(f'#!/bin/sh\necho "$@" >> {no_programs}/calls\n{script}\n')
        program.chmod(0o755)
        return no_programs / "calls"

    return write


def test_without_adb_the_command_that_installs_it_is_named(no_programs: Path) -> None:
    with pytest.raises(ToolMissing, match=r"sudo apt-get install adb$"):
        find_adb()
    with pytest.raises(ToolMissing, match=r"sudo apt-get install adb$"):
        open_device("adb")


def test_an_error_is_one_line_even_when_more_is_said_after_it(
    stand_in: Callable[[str], Path],
) -> None:
    stand_in("echo 'adb: error: no room' >&2; echo '7 files pushed' >&2; exit 1")
    with pytest.raises(DeviceError) as caught:
        Adb("R58").push([Path("a")], "/data")
    assert str(caught.value) == "phone R58: adb push: no room"


def test_a_silent_failure_tells_the_exit_code(stand_in: Callable[[str], Path]) -> None:
    stand_in("exit 7")
    with pytest.raises(DeviceError, match=r"^phone R58: exit code 7$"):
        Adb("R58").shell("true")


def test_adb_that_hangs_is_ended(stand_in: Callable[[str], Path]) -> None:
    stand_in("exec /bin/sleep 60")
    with pytest.raises(DeviceError, match=r"^adb: took longer than 0\.2 s; .*adb kill-server"):
        run_adb("devices", timeout_s=0.2)


def test_cores_are_for_phones_only() -> None:
    with pytest.raises(
        InputError, match=r"the cores of such a device cannot .*for adb, local, ssh$"
    ):
        open_device("emulated", cores=[1])


@pytest.mark.parametrize("serial", ["R58", "adb-R58-x (2)._adb-tls-connect._tcp", " GS101"])
def test_a_rule_of_a_phone_with_spaces_in_its_name_is_removed(
    serial: str, stand_in: Callable[[str], Path]
) -> None:
    calls = stand_in(f"echo '{serial} tcp:1 tcp:2'")
    Adb(serial).remove_rule("forward", 1, 2)
    assert calls.read_text().splitlines()[-1] == f"-s {serial} forward --remove tcp:1"
