"""One phone that adb knows by two names."""

from __future__ import annotations

from pathlib import Path

import pytest

from android_rpc.adb.client import Adb
from android_rpc.adb.phone_number import own_number
from depthbench.errors import DeviceError

ADB = """#!/bin/sh
case "$*" in *getprop*) [ "$2" = 127.0.0.1:9 ] || echo 35121JEHN28132 ;; esac
"""


@pytest.fixture(autouse=True)
def _adb(no_programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (no_programs / "adb").write_text(ADB)
    (no_programs / "adb").chmod(0o755)
    monkeypatch.setenv("DEPTHBENCH_CACHE", str(no_programs / "cache"))


@pytest.mark.parametrize("told", ["", "unknown\n", "0123456789ABCDEF", "EMULATOR34X2X11X0", "000"])
def test_a_number_that_many_have_is_none(told: str) -> None:
    assert own_number(told) == ""


def test_a_phone_has_one_client_by_whatever_name() -> None:
    told: list[str] = []
    cable, wifi = Adb("35121JEHN28132"), Adb("192.168.1.5:5555")
    with (
        cable.in_use(told.append, 0),
        pytest.raises(DeviceError, match=r"^another measures on phone 192\.168\.1\.5:5555, by"),
        wifi.in_use(told.append, -1),
    ):
        pass
    with wifi.in_use(told.append, 0), Adb("127.0.0.1:9").in_use(told.append, 0):
        assert told == []
