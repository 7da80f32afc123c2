"""A sustained run on the test phone, whose battery loses a power that is known."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from compile.pipeline import compile_model
from tests.integration.adb.conftest import PhoneDouble

VOLTS, AMPERES = 4.0, 2.5
DEADLINE_S = 300
BATTERY = "sys/class/power_supply/battery"

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def artefact(model: Path) -> str:
    return str(compile_model(model, "arm64-a76", model.parent / "tiny-arm64-a76").folder)


@contextmanager
def on_battery(phone: PhoneDouble) -> Iterator[None]:
    """Unplugged, as over Wi-Fi: the charge falls by the current, and the big cores slow down."""
    root = phone.root
    dumpsys = root / "system/bin/dumpsys"
    dumpsys.write_text(dumpsys.read_text().replace("USB powered: true", "USB powered: false"))
    (root / BATTERY / "type").write_text("Battery\n")
    (root / BATTERY / "voltage_now").write_text(f"{VOLTS * 1e6:.0f}\n")
    (root / BATTERY / "current_now").write_text(f"{-AMPERES * 1e6:.0f}\n")
    clocks = sorted(root.glob("sys/devices/system/cpu/cpu*/cpufreq/scaling_cur_freq"))
    began, over = time.monotonic(), threading.Event()

    def discharge() -> None:
        while not over.wait(0.05):
            lost = AMPERES * 1e6 * (time.monotonic() - began) / 3600
            # in place: a file that is written anew is empty for a moment
            with (root / BATTERY / "charge_counter").open("r+") as counter:
                counter.write(f"{3_000_000 - lost:.0f}\n")
            with clocks[-1].open("r+") as clock:
                clock.write(f"{2_600_000 - 1000 * int(time.monotonic() - began)}\n")

    (root / BATTERY / "charge_counter").write_text("3000000\n")
    thread = threading.Thread(target=discharge)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_speed_and_energy_of_a_phone_on_its_battery(
    phone_double: PhoneDouble, depthbench: Start, artefact: str
) -> None:
    device = f"adb:{phone_double.serial}"
    words = ("rpc-measure", artefact, "--device", device, "--samples", "1", "--json")
    with on_battery(phone_double):
        out, err = depthbench(*words, "--sustained", "12s").communicate(timeout=DEADLINE_S)
    record = json.loads(out)
    assert (record["kind"], record["valid"]) == ("emulated cost", True), err
    run = record["sustained"]
    assert run["seconds"] >= 12
    assert run["last_to_first"] > 0
    energy = run["energy"]
    assert energy.pop("absent", "") == ""
    assert (energy["source"], energy["unit"], energy["checked"]) == ("current", "uA", True)
    assert energy["mean_power_w"] == pytest.approx(VOLTS * AMPERES, rel=0.01)
    per_inference = VOLTS * AMPERES * run["seconds"] / (run["inferences"] + run["uncounted"])
    assert energy["per_inference_mj"] == pytest.approx(1e3 * per_inference, rel=0.01)
    told = run["telemetry"]
    assert len(told["seconds"]) >= 6
    slowing = list(told["clocks_mhz"].values())[-1]
    assert slowing[0] > slowing[-1] >= 2600 - 60
    assert told["battery_c"][0] == 28.5
    assert phone_double.files() == []


def test_a_cable_that_is_pulled_keeps_the_run_so_far(
    phone_double: PhoneDouble,
    depthbench: Start,
    artefact: str,
    tmp_path: Path,
    wait_until: Callable[..., float],
) -> None:
    records = tmp_path / "out" / "records.jsonl"
    device = f"adb:{phone_double.serial}"
    words = ("rpc-measure", artefact, "--device", device, "--samples", "1", "--sustained", "10m")
    process = depthbench(*words)

    def running() -> bool:
        files = records.parent.glob(f".{records.name}.*.unfinished")
        return any('"sustained"' in file.read_text() for file in files)

    wait_until(lambda: running() or process.poll() is not None, DEADLINE_S)
    phone_double.order("unplug")
    _, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 3, err
    (record,) = map(json.loads, records.read_text().splitlines())
    assert record["valid"] is False
    assert 0 < record["sustained"]["seconds"] < 600
    assert record["sustained"]["first_fps"] > 0
    assert record["samples_ms"]
