"""Which files tell of a battery, and what Android's dump of one tells."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from android_rpc.telemetry.fuel_gauge import BEFORE_DUMP, DUMP, gauge_files, parse_dump

SUPPLY = "/sys/class/power_supply"


def files(supplies: dict[str, tuple[str, list[str]]]) -> dict[str, str]:
    """Readable files of supplies: the type and the names of each."""
    told = {f"{SUPPLY}/{name}/type": kind for name, (kind, _) in supplies.items()}
    found = {
        f"{SUPPLY}/{name}/{one}": "1" for name, (_, names) in supplies.items() for one in names
    }
    return {**told, **found}


def test_the_battery_of_a_snapdragon() -> None:
    """A charger and a gauge (`bms`) beside the battery, all of which tell currents."""
    gauge = ["current_now", "voltage_now", "charge_counter", "temp"]
    supplies = {"usb": ("USB", ["current_now", "voltage_now"]), "bms": ("BMS", gauge)}
    found = gauge_files(files({**supplies, "battery": ("Battery", gauge)}))
    assert found == {f"{SUPPLY}/battery/{name}": name for name in gauge}


def test_of_two_batteries_it_is_the_one_that_tells_most() -> None:
    """A Pixel's fuel gauge is a battery too."""
    supplies = {"battery": ("Battery", ["temp"]), "maxfg": ("Battery", ["current_now", "temp"])}
    assert set(gauge_files(files(supplies)).values()) == {"current_now", "temp"}
    equal = {"maxfg": ("Battery", ["temp"]), "battery": ("Battery", ["temp"])}
    assert list(gauge_files(files(equal))) == [f"{SUPPLY}/battery/temp"]


def test_a_board_has_none() -> None:
    assert gauge_files(files({"usb": ("USB", ["voltage_now"])})) == {}
    assert gauge_files({}) == {}


DUMPSYS = """#!/bin/sh
cat <<EOF
Current Battery Service state:
  AC powered: false
  USB powered: false
  Max charging current: 0
  Charge counter: 2345678
  status: 3
  level: 85
  voltage: 4187
  temperature: 285
  technology: Li-ion
EOF
"""


def run(script: str, path: Path) -> str:
    environment = {"PATH": f"{path}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout.strip()


def test_what_android_tells(tmp_path: Path) -> None:
    script = f"{BEFORE_DUMP}\nline={DUMP}\necho $line"
    assert parse_dump(run(script, tmp_path)) == {}
    (tmp_path / "dumpsys").write_text(DUMPSYS)
    (tmp_path / "dumpsys").chmod(0o755)
    told = parse_dump(run(script, tmp_path))
    assert told == {"charge_counter": 2_345_678, "voltage_now": 4187, "temp": 285}


def test_a_dump_of_garbage_tells_nothing() -> None:
    for word in ("", "-", "voltage_now=", "voltage_now=x,temp=1.5", "other=1", "temp=\u0661"):
        assert parse_dump(word) == {}
