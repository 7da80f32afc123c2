"""What `adb devices -l` says, and which phone is meant."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from android_rpc.adb.discovery import (
    ADVICE,
    READY,
    ListedPhone,
    choose_phone,
    parse_devices,
)
from depthbench.errors import DeviceError, InputError

# As printed by adb 1.0.41 with phones in every state.
REAL = """* daemon not running; starting now at tcp:5037
* daemon started successfully
List of devices attached
9A231FFAZ003V2         device usb:1-2 product:flame model:Pixel_4 device:flame transport_id:3
R58M12ABCDE            unauthorized usb:1-1 transport_id:4
emulator-5554          offline transport_id:1
192.168.1.20:5555      device product:sunfish model:Pixel_4a device:sunfish transport_id:9
????????????           no permissions (user in plugdev group; are your udev rules wrong?); see \
[http://developer.android.com/tools/device.html] usb:1-4 transport_id:5
0123456789ABCDEF       recovery usb:1-3 product:x model:y device:z transport_id:6

"""
SERIALS = st.text(string.ascii_letters + string.digits + ".:-_", min_size=1, max_size=24)
WORDS = st.text(string.ascii_letters + string.digits + "_-.", min_size=1, max_size=12)
DETAILS = st.dictionaries(st.sampled_from(("usb", "product", "model", "device")), WORDS)
PHONES = st.lists(
    st.builds(
        ListedPhone,
        SERIALS,
        st.sampled_from([READY, *(state for state in ADVICE if state != "no permissions")]),
        DETAILS,
    ),
    unique_by=lambda phone: phone.serial,
    max_size=5,
)


def printed(phones: list[ListedPhone]) -> str:
    """As adb prints them (transport.cpp, append_transport)."""
    lines = ["List of devices attached"]
    for phone in phones:
        details = "".join(f" {name}:{value}" for name, value in phone.details.items())
        lines.append(f"{phone.serial:<22} {phone.state}{details}")
    return "\n".join([*lines, "", ""])


def test_every_state_of_real_output() -> None:
    phones = {phone.serial: phone for phone in parse_devices(REAL)}
    assert {serial: phone.state for serial, phone in phones.items()} == {
        "9A231FFAZ003V2": "device",
        "R58M12ABCDE": "unauthorized",
        "emulator-5554": "offline",
        "192.168.1.20:5555": "device",
        "????????????": "no permissions",
        "0123456789ABCDEF": "recovery",
    }
    assert phones["9A231FFAZ003V2"].details["model"] == "Pixel_4"


@given(PHONES)
def test_what_was_printed_is_read(phones: list[ListedPhone]) -> None:
    assert parse_devices(printed(phones)) == phones


@given(st.text())
def test_any_text_is_survived(text: str) -> None:
    parse_devices(text)


@given(PHONES, st.none() | SERIALS)
def test_the_choice_is_ready_or_said_in_one_line(
    phones: list[ListedPhone], serial: str | None
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ANDROID_SERIAL", raising=False)
        ready = [phone for phone in phones if phone.state == READY]
        meant = [phone for phone in phones if serial in (None, phone.serial)]
        if serial is None and len(phones) > 1:
            with pytest.raises(InputError, match=r"^.*choose one with --device: adb:.*\Z"):
                choose_phone(phones, serial)
        elif not meant or meant[0] not in ready:
            with pytest.raises(DeviceError, match=r"^.*; .*\Z"):
                choose_phone(phones, serial)
        else:
            assert choose_phone(phones, serial) == meant[0]


@pytest.mark.parametrize("state", ADVICE)
def test_every_state_has_advice(state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANDROID_SERIAL", raising=False)
    with pytest.raises(DeviceError, match=r"^phone R58 is .*; \w+") as caught:
        choose_phone([ListedPhone("R58", state)])
    assert str(caught.value).endswith(ADVICE[state])


def test_the_environment_names_the_phone_as_for_adb(monkeypatch: pytest.MonkeyPatch) -> None:
    phones = [ListedPhone("a", READY), ListedPhone("b", READY)]
    monkeypatch.setenv("ANDROID_SERIAL", "b")
    assert choose_phone(phones).serial == "b"
    assert choose_phone(phones, "a").serial == "a"
