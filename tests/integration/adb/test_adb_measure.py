"""rpc-measure on a phone behind the real adb client: nothing is left, whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import psutil
import pytest

from android_rpc.adb.client import Adb
from android_rpc.bundle.bundle import Bundle
from android_rpc.deployment.device_lock import lock_device
from android_rpc.deployment.installation import install_bundle
from android_rpc.devices.adb_phone import AdbPhone
from android_rpc.telemetry.thermal import Limits
from compile.pipeline import compile_model
from depthbench.errors import DeviceError
from tests.integration.adb.conftest import PhoneDouble

DEADLINE_S = 300
FOREVER = ("--samples", "1", "--seconds", "900", "--warmup", "0")

Start = Callable[..., "subprocess.Popen[str]"]
MakePhone = Callable[..., PhoneDouble]


@pytest.fixture(scope="module")
def artefact(model: Path) -> str:
    return str(compile_model(model, "arm64-a76", model.parent / "tiny-arm64-a76").folder)


def adb(*words: str) -> str:
    return subprocess.run(["adb", *words], capture_output=True, text=True, timeout=60).stdout


def assert_nothing_left(phone: PhoneDouble, wait_until: Callable[..., float]) -> None:
    """No rule, no process of ours on the phone, no file but the bundle."""
    assert adb("-s", phone.serial, "reverse", "--list").strip() == ""
    assert adb("forward", "--list").strip() == ""
    wait_until(lambda: phone.running() == [], 60)
    assert phone.files() == []


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=DEADLINE_S)
    return process.returncode, out, err


def only_line(err: str) -> str:
    (line,) = [line for line in err.splitlines() if line.startswith("depthbench: ")]
    assert "Traceback" not in err
    return line


def test_a_measurement_through_adb(
    phone_double: PhoneDouble, depthbench: Start, artefact: str, wait_until: Callable[..., float]
) -> None:
    device = f"adb:{phone_double.serial}"
    code, out, err = finish(depthbench("rpc-measure", artefact, "--device", device, "--json"))
    assert code == 0, err
    record: dict[str, Any] = json.loads(out)
    assert (record["kind"], record["emulated"]) == ("emulated cost", True)
    assert record["label"] == "emulated cost, not latency"
    assert record["device"] == {"name": device, "emulated": True}
    assert record["conditions"]["server"]["signs"] == ["machine", "program", "counter"]
    assert set(record["conditions"]["server"]["cores"].values()) == {"414fd050", "414fd0b0"}
    assert record["conditions"]["before"]["model"] == "Test Phone"
    assert record["agreement"]["max_relative_difference"] <= 1e-4
    before, after = record["conditions"]["before"], record["conditions"]["after"]
    assert before["serial"] == phone_double.serial
    assert before["cpu_model"] == "Cortex-A76"
    assert before["battery_c"] == 28.5
    cores = {str(core) for core in after["cpus"]}
    assert after["cores"] == after["cpus"]
    assert set(after["ran_on"]) <= set(after["cpus"])
    assert after["clocks_mhz"] == dict.fromkeys(sorted(cores), 2600.0)
    assert after["during"]["samples"] >= 1
    assert set(after["during"]["clocks_mhz"]) == cores
    assert after["during"]["hottest_c"]["cpu-1-0"] == 41.5
    assert after["during"]["hottest_each_sample_c"] == [41.5] * after["during"]["samples"]
    assert_nothing_left(phone_double, wait_until)


def test_sigterm_leaves_nothing(
    phone_double: PhoneDouble,
    depthbench: Start,
    artefact: str,
    tmp_path: Path,
    measuring: Callable[[Path], int],
    wait_until: Callable[..., float],
) -> None:
    records = tmp_path / "out" / "records.jsonl"
    device = f"adb:{phone_double.serial}"
    process = depthbench("rpc-measure", artefact, "--device", device, *FOREVER)
    wait_until(lambda: measuring(records) or process.poll() is not None, DEADLINE_S)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    code, _, err = finish(process)
    assert (code, only_line(err)) == (130, "depthbench: interrupted")
    assert_nothing_left(phone_double, wait_until)
    assert psutil.wait_procs(children, timeout=60)[1] == []
    (line,) = records.read_text().splitlines()
    record = json.loads(line)
    assert record["samples_ms"]
    assert record["reasons"][0] == "interrupted"


def install(client: Adb, bundle: Bundle) -> tuple[PurePosixPath, bool]:
    with lock_device(client) as lock:
        return install_bundle(lock, bundle)


def test_the_bundle_is_pushed_once_and_again_when_it_was_damaged(
    phone_double: PhoneDouble, bundle: Bundle
) -> None:
    client = Adb(phone_double.serial)
    folder, pushed = install(client, bundle)
    assert pushed
    before = phone_double.shell(f"stat -c '%i %n' {folder}/lib/*")
    assert install(client, bundle) == (folder, False)
    assert phone_double.shell(f"stat -c '%i %n' {folder}/lib/*") == before
    phone_double.shell(f"echo >> {folder}/rpc_server")
    assert install(client, bundle) == (folder, True)
    assert install(client, bundle) == (folder, False)
    assert phone_double.files() == []


def test_a_full_phone_is_said(make_phone: MakePhone, bundle: Bundle) -> None:
    phone = make_phone("--data-mib", "4")
    with pytest.raises(DeviceError, match="no space left on the phone; free some"):
        install(Adb(phone.serial), bundle)
    assert phone.files() == []


def test_rules_of_others_stay(phone_double: PhoneDouble) -> None:
    client = Adb(phone_double.serial)
    adb("-s", phone_double.serial, "forward", "tcp:0", "tcp:1234")
    adb("-s", phone_double.serial, "reverse", "tcp:4321", "tcp:1234")
    before = (adb("forward", "--list"), adb("-s", phone_double.serial, "reverse", "--list"))
    with lock_device(client) as lock, lock.forward(1234) as here, lock.reverse(1234) as there:
        assert f"tcp:{here} tcp:1234" in adb("forward", "--list")
        assert f"tcp:{there} tcp:1234" in adb("-s", phone_double.serial, "reverse", "--list")
    after = (adb("forward", "--list"), adb("-s", phone_double.serial, "reverse", "--list"))
    assert after == before
    adb("-s", phone_double.serial, "forward", "--remove-all")


def test_a_measurement_waits_for_a_warm_phone(
    phone_double: PhoneDouble, wait_until: Callable[..., float]
) -> None:
    told: list[str] = []
    battery = "/sys/class/power_supply/battery/temp"
    phone_double.write(battery, 412)

    def cool_down(line: str) -> None:
        told.append(line)
        phone_double.write(battery, 300)

    phone = AdbPhone(phone_double.serial, progress=cool_down)
    phone.prepare()
    (line,) = told
    assert "too warm: battery 41.2 °C (limit 36 °C)" in line
    assert phone.conditions()["waited_to_cool_s"] >= 4
    phone_double.write("/sys/class/thermal/thermal_zone1/temp", 70000)
    hopeless = AdbPhone(phone_double.serial, limits=Limits(wait_s=0))
    with pytest.raises(DeviceError, match=r"^adb:\S+: still too warm after \d+ s: CPU 70\.0 °C"):
        hopeless.prepare()


def test_cores_are_chosen_and_checked(
    phone_double: PhoneDouble, depthbench: Start, artefact: str
) -> None:
    device = f"adb:{phone_double.serial}"
    cores = sorted(os.sched_getaffinity(0))
    options = ("--device", device, "--cores", str(cores[0]), "--json")
    code, out, err = finish(depthbench("rpc-measure", artefact, *options))
    assert code == 0, err
    after = json.loads(out)["conditions"]["after"]
    assert (after["cpus"], after["cores"], after["ran_on"]) == ([cores[0]],) * 3
    code, _, err = finish(depthbench("rpc-measure", "--device", device, "--cores", "900"))
    assert code == 2
    assert "has no core 900" in only_line(err)


def test_no_phone(adb_server: None, depthbench: Start) -> None:
    code, out, err = finish(depthbench("rpc-measure", "--device", "adb"))
    assert (code, out) == (3, "")
    assert "no phone is connected; on the phone, tap Settings" in only_line(err)


def test_two_phones_without_a_serial_number(make_phone: MakePhone, depthbench: Start) -> None:
    serials = [make_phone().serial, make_phone().serial]
    code, _, err = finish(depthbench("rpc-measure", "--device", "adb"))
    assert code == 2
    line = only_line(err)
    assert "2 phones are connected; choose one with --device: adb:" in line
    assert all(f"adb:{serial}" in line for serial in serials)
    phone = AdbPhone(serials[1])
    assert phone.transport.serial == serials[1]


def test_a_phone_that_is_not_there(phone_double: PhoneDouble, depthbench: Start) -> None:
    code, _, err = finish(depthbench("rpc-measure", "--device", "adb:R58M"))
    assert code == 3
    line = only_line(err)
    assert f"no phone has the serial number R58M; connected: adb:{phone_double.serial}" in line


def test_an_unauthorised_phone(make_phone: MakePhone, depthbench: Start) -> None:
    phone = make_phone("--unauthorised")
    code, _, err = finish(depthbench("rpc-measure", "--device", f"adb:{phone.serial}"))
    assert code == 3
    assert "is unauthorised; unlock it and confirm 'Allow USB debugging?'" in only_line(err)
