"""Phones on cables without a name, several at once, and at a tracker that others use."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from android_rpc.tracker.tracker import Tracker
from compile.pipeline import compile_model
from tests.integration.adb.conftest import PhoneDouble

DEADLINE_S = 300

Start = Callable[..., "subprocess.Popen[str]"]
MakePhone = Callable[..., PhoneDouble]
Wait = Callable[..., float]


@pytest.fixture(scope="module")
def artefacts(model: Path) -> list[str]:
    folders = [model.parent / f"tiny-{number}" for number in range(2)]
    return [str(compile_model(model, "arm64-a76", folder).folder) for folder in folders]


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=DEADLINE_S)
    return process.returncode, out, err


def lines_of(err: str) -> list[str]:
    """What a command says besides its progress."""
    return [line for line in err.splitlines() if not line.startswith("[")]


def assert_nothing_left(phone: PhoneDouble, wait_until: Wait) -> None:
    words = ["adb", "-s", phone.serial, "reverse", "--list"]
    assert subprocess.run(words, capture_output=True, text=True).stdout.strip() == ""
    wait_until(lambda: phone.running() == [], 60)
    assert phone.files() == []


def test_the_phone_on_the_cable_is_the_default(
    phone_double: PhoneDouble, depthbench: Start, artefacts: list[str]
) -> None:
    code, out, err = finish(depthbench("rpc-measure", artefacts[0], "--json"))
    assert code == 0, err
    device = f"adb:{phone_double.serial}"
    assert json.loads(out)["device"]["name"] == device
    assert lines_of(err) == [f"note: {device} is used: the phone on the cable"]
    code, _, err = finish(depthbench("rpc-measure", "--device", device, "--threads", "999"))
    assert code == 2
    (line,) = lines_of(err)
    assert line.startswith(f"depthbench: phone {phone_double.serial}: 999 threads on ")


def test_every_phone_on_a_cable_takes_its_share(
    make_phone: MakePhone, depthbench: Start, artefacts: list[str], wait_until: Wait
) -> None:
    phones = [make_phone(), make_phone()]
    code, _, err = finish(depthbench("rpc-measure", artefacts[0]))
    assert code == 2
    (line,) = lines_of(err)
    assert all(f"adb:{phone.serial}" in line for phone in phones)
    code, out, err = finish(depthbench("rpc-measure", *artefacts, "--device", "adb:all", "--json"))
    assert code == 0, err
    devices = {record["device"]["name"] for record in json.loads(out)["records"]}
    assert devices == {f"adb:{phone.serial}" for phone in phones}
    for phone in phones:
        assert_nothing_left(phone, wait_until)


def test_a_phone_at_a_tracker_is_served_again_when_it_comes_back(
    phone_double: PhoneDouble, depthbench: Start, artefacts: list[str], wait_until: Wait
) -> None:
    said: list[str] = []
    with Tracker() as tracker:
        place = f"{tracker.host}:{tracker.port}"
        server = depthbench("rpc-serve", "--tracker", place, "--key", "emulated-cable")

        def listen() -> None:
            assert server.stdout is not None
            said.extend(iter(server.stdout.readline, ""))

        listener = threading.Thread(target=listen)
        listener.start()
        wait_until(lambda: len(said) == 1 or server.poll() is not None, DEADLINE_S)
        phone_double.order("unplug")
        phone_double.order("plug")
        phone_double.connect()
        wait_until(lambda: len(said) == 2 or server.poll() is not None, DEADLINE_S)
        device = f"tracker:{place}/emulated-cable"
        code, out, err = finish(
            depthbench("rpc-measure", artefacts[0], "--device", device, "--json")
        )
        server.send_signal(signal.SIGINT)
        assert server.wait(DEADLINE_S) == 130
        listener.join()
    assert code == 0, err
    record = json.loads(out)
    before = record["conditions"]["before"]
    assert record["device"] == {"name": f"adb:{phone_double.serial}", "emulated": True}
    assert before["model"] == "Test Phone"
    assert before["tracker"] == place
    assert_nothing_left(phone_double, wait_until)
