"""`--device local`: this machine, where it is a board."""

from __future__ import annotations

import pytest

from android_rpc.adb import discovery
from android_rpc.devices import local_board
from android_rpc.devices.factory import default_device, open_device
from depthbench.errors import DeviceError


def test_another_machine_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_board.platform, "machine", lambda: "x86_64")
    with pytest.raises(DeviceError) as caught:
        open_device("local")
    assert str(caught.value) == (
        "--device local is for arm64 machines; this one is x86_64; reach a board with "
        "--device ssh:USER@HOST, or use --device emulated"
    )


def test_a_board_without_a_phone_is_its_own_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_board.platform, "machine", lambda: "aarch64")
    monkeypatch.delenv("ANDROID_SERIAL", raising=False)
    monkeypatch.setattr(discovery, "start_server", lambda: False)
    monkeypatch.setattr(discovery, "run_adb", lambda *_: "List of devices attached\n")
    assert default_device() == ("local", "no phone is connected")
