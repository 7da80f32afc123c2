"""What `adb devices -l` says, and which phone is meant."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from android_rpc.adb.discovery import (
    ADVICE,
    READY,
    ListedPhone,
    check_server,
    choose_phone,
    each_once,
    find_phone,
    parse_devices,
    ready_phones,
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
adb-35121JEHN28132-jr888A (2)._adb-tls-connect._tcp device product:lynx model:Pixel_7a \
device:lynx transport_id:2426
 GS101200400611        device usb:17825792X product:rk3288 model:rk3288 transport_id:15
ZUG 5S                 offline usb:1-7 transport_id:8

"""
SERIALS = st.from_regex(r"[ A-Za-z0-9.:_-]{,20}[A-Za-z0-9.:_()-]{1,4}", fullmatch=True)
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
        "adb-35121JEHN28132-jr888A (2)._adb-tls-connect._tcp": "device",
        " GS101200400611": "device",
        "ZUG 5S": "offline",
    }
    assert phones[" GS101200400611"].details["usb"] == "17825792X"
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


USB = ListedPhone("35121JEHN28132", READY, {"usb": "1-2"})
TLS = ListedPhone("adb-35121JEHN28132-jr888A (2)._adb-tls-connect._tcp", READY)
WIFI = ListedPhone("192.168.1.5:5555", READY)
OTHER = ListedPhone("R58M12ABCDE", READY, {"usb": "1-3"})
SHY = ListedPhone("192.168.1.9:5555", "offline")
NUMBERS = {phone.serial: "35121JEHN28132" for phone in (USB, TLS, WIFI)}


@pytest.mark.parametrize(
    ("listed", "left"),
    [
        ([WIFI, USB, TLS], [USB]),
        ([WIFI, TLS], [WIFI]),
        ([WIFI, OTHER], [WIFI, OTHER]),
        ([USB, SHY, WIFI], [USB, SHY]),
    ],
)
def test_a_phone_on_two_ways_is_one(listed: list[ListedPhone], left: list[ListedPhone]) -> None:
    assert each_once(listed, lambda serial: NUMBERS.get(serial, "")) == left


def test_phones_that_tell_no_number_are_not_one() -> None:
    assert each_once([WIFI, TLS], lambda serial: "") == [WIFI, TLS]


def test_cables_are_not_asked_for_their_number() -> None:
    def ask(serial: str) -> str:
        raise AssertionError(serial)

    assert each_once([USB, OTHER], ask) == [USB, OTHER]
    assert each_once([WIFI, SHY], ask) == [WIFI, SHY]


@pytest.mark.parametrize(
    ("variable", "address"),
    [
        ("ADB_SERVER_SOCKET", "tcp:host.docker.internal:5037"),
        ("ADB_SERVER_SOCKET", "tcp:192.168.1.2:5037"),
        ("ANDROID_ADB_SERVER_ADDRESS", "buildbox"),
    ],
)
def test_a_server_elsewhere_is_refused(
    variable: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, address)
    with pytest.raises(DeviceError, match=r"on another machine, at .*; run depthbench there; or"):
        check_server()


@pytest.mark.parametrize(
    "address",
    ["", "tcp:localhost:5038", "tcp:5038", "localfilesystem:/tmp/adb", "127.0.0.1"],
)
def test_a_server_here_is_not_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADB_SERVER_SOCKET", address)
    monkeypatch.delenv("ANDROID_ADB_SERVER_ADDRESS", raising=False)
    check_server()


ADB = """#!/bin/sh
case "$*" in
"devices -l") echo "35121JEHN28132 device usb:1-2
192.168.1.5:5555 device product:lynx" ;;
*getprop*) echo 35121JEHN28132 ;;
esac
"""


def test_a_way_that_is_named_is_used_though_there_is_a_better_one(
    no_programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (no_programs / "adb").write_text(ADB)
    (no_programs / "adb").chmod(0o755)
    monkeypatch.delenv("ANDROID_SERIAL", raising=False)
    assert find_phone().serial == "35121JEHN28132"
    assert ready_phones() == ["35121JEHN28132"]
    assert find_phone("192.168.1.5:5555").serial == "192.168.1.5:5555"
