"""The device that is used when none is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from android_rpc.adb import discovery
from android_rpc.adb.discovery import READY
from android_rpc.devices.factory import default_device
from depthbench.errors import InputError


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Says what adb lists from now on: phones by serial and state."""
    monkeypatch.delenv("ANDROID_SERIAL", raising=False)
    monkeypatch.setattr(discovery, "start_server", lambda: False)

    def plug(**states: str) -> None:
        lines = [f"{serial}\t{state}" for serial, state in states.items()]
        listed = "\n".join(["List of devices attached", *lines, ""])
        monkeypatch.setattr(discovery, "run_adb", lambda *_: listed)

    return plug


def test_the_only_phone_that_is_ready_is_the_default(plug: Callable[..., None]) -> None:
    plug(a=READY)
    assert default_device() == ("adb:a", "the phone on the cable")
    plug(a="unauthorized", b=READY)
    assert default_device()[0] == "adb:b"


def test_without_a_ready_phone_it_is_the_emulated_one(plug: Callable[..., None]) -> None:
    plug()
    device, why = default_device()
    assert device == "emulated"
    assert why == "no phone is connected"
    plug(a="unauthorized")
    device, why = default_device()
    assert device == "emulated"
    assert why == "phone a is unauthorised"


def test_several_ready_phones_are_listed(
    plug: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plug(a=READY, b=READY, c="offline")
    monkeypatch.setattr(discovery, "SETTLE_S", 0.0)
    with pytest.raises(InputError, match=r"^2 phones are ready.*adb:a, adb:b, adb:all$"):
        default_device()
    monkeypatch.setenv("ANDROID_SERIAL", "b")
    assert default_device()[0] == "adb:b"


def test_without_adb_the_default_is_the_emulated_phone(no_programs: Path) -> None:
    device, why = default_device()
    assert device == "emulated"
    assert why == "adb is not installed"
