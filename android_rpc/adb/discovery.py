"""The phones that adb lists, and which of them is meant."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from android_rpc.adb.client import run_adb, start_server
from android_rpc.adb.phone_number import ASK, by_network, own_number
from depthbench.errors import DeviceError, InputError

READY = "device"
# States that pass by themselves, a moment after a phone was plugged in.
PASSING = ("authorizing", "connecting", "offline")
SETTLE_S = 5.0
CHECK_S = 0.2
CONNECT = (
    "on the phone, tap Settings > About phone > Build number seven times, switch on Settings > "
    "System > Developer options > USB debugging, then plug it in"
)
ADVICE = {
    "unauthorized": "unlock it and confirm 'Allow USB debugging?' on its screen",
    "authorizing": "it is still connecting; run again in a few seconds",
    "connecting": "it is still connecting; run again in a few seconds",
    "offline": "unplug it and plug it in again, or type `adb reconnect offline`",
    "no permissions": "this user may not open the USB device: sudo apt-get install "
    "android-sdk-platform-tools-common, then plug it in again",
    "recovery": "start it into Android: adb reboot",
    "rescue": "start it into Android: adb reboot",
    "sideload": "start it into Android: adb reboot",
    "bootloader": "start it into Android: fastboot reboot",
    "host": "it is a host, not a phone",
    "detached": "give it back to adb: adb -s SERIAL attach",
}
# The states that adb prints; "no permissions" is followed by its reason.
STATES = "|".join([READY, *ADVICE, "unknown"])
# Serial numbers may hold spaces, also in front: mDNS calls a phone that it has met before
# "adb-SERIAL-x (2)._adb-tls-connect._tcp".
LINE = re.compile(
    rf"(?P<serial>.*?\S)\s+(?P<state>{STATES})(?P<rest>(?<=no permissions).*|(?: [a-z_]+:\S+)*)"
)
SERVERS = ("ADB_SERVER_SOCKET", "ANDROID_ADB_SERVER_ADDRESS")
HERE = re.compile(r"(tcp:)?(localhost|127\.[\d.]+|\[?::1\]?|\d+)?(:\d+)?|local\w*:.*")
DETAIL = re.compile(r"(?P<name>[a-z_]+):(?P<value>\S+)")


@dataclass(frozen=True)
class ListedPhone:
    """One line of `adb devices -l`: serial number, state (`device` is ready), details."""

    serial: str
    state: str
    details: dict[str, str] = field(default_factory=dict)

    @property
    def by_network(self) -> bool:
        """Whether adb reaches it over Wi-Fi or Ethernet, not by a cable of its own."""
        return by_network(self.serial)


def find_phone(serial: str | None = None) -> ListedPhone:
    """The phone that is meant, ready to be used; one that is just connecting gets some seconds.

    Raises as `choose_phone` does, and ToolMissing without adb.
    """
    named = serial or os.environ.get("ANDROID_SERIAL")
    for phones, last in _lists():
        try:
            # one that is named is meant, also where there is a better way to reach it
            return choose_phone(phones if named else each_once(phones, read_number), serial)
        except DeviceError:
            if last:
                raise
    raise AssertionError("the last list returns or raises")


def ready_phones() -> list[str]:
    """The serial numbers of all phones that are ready; raises DeviceError when there is none."""
    for phones, last in _lists():
        if last:
            once = each_once(phones, read_number)
            if ready := [phone.serial for phone in once if phone.state == READY]:
                return ready
            choose_phone(phones, phones[0].serial if phones else None)
    raise AssertionError("the last list returns or raises")


def default_phone() -> str:
    """The serial number of the phone to use when none is named.

    Raises DeviceError when none is ready, ToolMissing without adb, and InputError when several
    are ready and $ANDROID_SERIAL names none of them.
    """
    if os.environ.get("ANDROID_SERIAL"):
        return find_phone().serial
    ready = ready_phones()
    if len(ready) > 1:
        offered = ", ".join(f"adb:{serial}" for serial in ready)
        advice = f"choose with --device: {offered}, adb:all"
        raise InputError(f"{len(ready)} phones are ready", advice=advice)
    return ready[0]


def _lists() -> Iterator[tuple[list[ListedPhone], bool]]:
    """What adb lists, again until it has settled; and whether it is the last time."""
    deadline = time.monotonic() + SETTLE_S
    check_server()
    fresh = start_server()
    while True:
        phones = parse_devices(run_adb("devices", "-l"))
        settled = bool(phones) or not fresh
        settled = settled and not any(phone.state in PASSING for phone in phones)
        last = settled or time.monotonic() > deadline
        yield phones, last
        if last:
            return
        time.sleep(CHECK_S)


def check_server() -> None:
    """Raise DeviceError where adb is told to ask a server on another machine.

    The rules of `adb forward` and `adb reverse` would lead to ports of that machine.
    """
    for variable in SERVERS:
        address = os.environ.get(variable, "")
        if not HERE.fullmatch(address):
            raise DeviceError(
                f"adb's server is on another machine, at {address} (${variable})",
                advice="run depthbench there; or share the phone from there with `depthbench "
                "rpc-serve`, and name it here with --device tracker:HOST:PORT/KEY",
            )


def each_once(phones: Sequence[ListedPhone], number: Callable[[str], str]) -> list[ListedPhone]:
    """The phones without those that are listed again for a second way to reach them.

    A cable is preferred to a network. `number` gives the manufacturer's number of the phone with
    this serial; it is asked for only where one of several is reached over a network.
    """
    ready = [phone for phone in phones if phone.state == READY]
    if len(ready) < 2 or not any(phone.by_network for phone in ready):
        return list(phones)
    known: dict[str, list[ListedPhone]] = {}
    for phone in ready:
        if told := number(phone.serial):
            known.setdefault(told, []).append(phone)
    again = {
        phone.serial
        for ways in known.values()
        for phone in sorted(ways, key=lambda phone: phone.by_network)[1:]
        if phone.by_network
    }
    return [phone for phone in phones if phone.serial not in again]


def read_number(serial: str) -> str:
    """The manufacturer's number of a phone, the same on each way to reach it; or nothing."""
    try:
        return own_number(run_adb("-s", serial, "shell", "-n", ASK))
    except DeviceError:
        return ""


def parse_devices(text: str) -> list[ListedPhone]:
    """The phones in what `adb devices -l` prints; notes about its server are passed over."""
    phones = []
    for line in text.splitlines():
        match = LINE.fullmatch(line.rstrip())
        if match is None or line.startswith(("*", "List of")):
            continue
        known = match["state"] != "no permissions"  # the reason has colons of its own
        details = DETAIL.findall(match["rest"]) if known else []
        phones.append(ListedPhone(match["serial"], match["state"], dict(details)))
    return phones


def choose_phone(phones: Sequence[ListedPhone], serial: str | None = None) -> ListedPhone:
    """The phone with this serial number, or the only one there is.

    Without a serial number $ANDROID_SERIAL is asked for, as adb does. Raises DeviceError when
    there is no such phone or it is not ready, and InputError when several could be meant; the
    line says what to do.
    """
    serial = serial or os.environ.get("ANDROID_SERIAL") or None
    offered = ", ".join(f"adb:{phone.serial}" for phone in phones)
    if not phones:
        raise DeviceError("no phone is connected", advice=CONNECT)
    if serial is None and len(phones) > 1:
        advice = f"choose one with --device: {offered}"
        raise InputError(f"{len(phones)} phones are connected", advice=advice)
    chosen = phones[0] if serial is None else _with_serial(phones, serial)
    if chosen is None:
        advice = f"connected: {offered}"
        raise DeviceError(f"no phone has the serial number {serial}", advice=advice)
    if chosen.state != READY:
        advice = ADVICE.get(chosen.state, "unplug it and plug it in again")
        state = _as_adjective(chosen.state)
        raise DeviceError(f"phone {chosen.serial} is {state}", advice=advice)
    return chosen


def _with_serial(phones: Sequence[ListedPhone], serial: str) -> ListedPhone | None:
    return next((phone for phone in phones if phone.serial == serial), None)


def _as_adjective(state: str) -> str:
    spoken = {
        "no permissions": "not accessible",
        "unauthorized": "unauthorised",
        "host": "not usable",
        "unknown": "in an unknown state",
    }
    return spoken.get(state, state if state.endswith(("ing", "line")) else f"in {state} mode")
