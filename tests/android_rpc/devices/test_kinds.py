"""Kinds of devices: each declares itself in its own file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import android_rpc.devices
from android_rpc.devices.factory import (
    device_forms,
    find_kind,
    kinds,
    open_device,
    open_device_pool,
)
from depthbench.errors import InputError

NEW_KIND = """
from android_rpc.devices.device import Device
from android_rpc.devices.kind import DeviceKind

class Toaster(Device):
    def __init__(self, name):
        self.name, self.emulated = name, False

KIND = DeviceKind(
    name="toaster",
    forms={"toaster:SLOT": "a toaster's slot"},
    open=lambda specification, setup: Toaster(f"{specification} on {setup.threads}"),
)
"""


@pytest.fixture
def another_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One file more in the folder of devices, and no other change."""
    (tmp_path / "toaster.py").write_text(NEW_KIND)
    path = [*android_rpc.devices.__path__, str(tmp_path)]
    monkeypatch.setattr(android_rpc.devices, "__path__", path)
    kinds.cache_clear()
    yield
    kinds.cache_clear()


@pytest.mark.usefixtures("another_kind")
def test_a_new_kind_is_one_file() -> None:
    assert open_device("toaster:2", threads=3).name == "toaster:2 on 3"
    assert open_device_pool(["toaster:1", "toaster:2"]).names() == [
        "toaster:1 on 1",
        "toaster:2 on 1",
    ]
    assert device_forms()["toaster:SLOT"] == "a toaster's slot"
    with pytest.raises(InputError, match="toaster:1: named twice"):
        open_device_pool(["toaster:1", "toaster:1"])
    with pytest.raises(InputError, match="cores of such a device cannot be chosen"):
        open_device("toaster:1", cores=[1])
    with pytest.raises(InputError, match="unknown device"):
        open_device("toaster")


def test_every_form_names_its_own_kind() -> None:
    for kind in kinds():
        for form in (*kind.forms, *kind.aliases):
            assert find_kind(form) is kind


@pytest.mark.parametrize("name", ["", "emulated:", "emulated:x", "tracker", "adbx", ":", "ad b"])
def test_what_names_no_kind_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="unknown device"):
        find_kind(name)


def test_shared_devices_are_used_alone() -> None:
    shared = "tracker:127.0.0.1:9190/key"
    with pytest.raises(InputError, match="used alone"):
        open_device_pool(["emulated", shared])
    with pytest.raises(InputError, match="used alone"):
        open_device_pool([shared], cores=[4])


def test_several_emulated_phones_may_be_named() -> None:
    assert open_device_pool(["emulated", "emulated"]).names() == ["emulated-a76"] * 2
