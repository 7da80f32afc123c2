"""The doctor on a test phone: every check, in order, and what it says when something is wrong."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from android_rpc.doctor.doctor import examine, is_fit
from android_rpc.doctor.finding import Outcome, Verdict
from android_rpc.doctor.wording import Check
from tests.integration.adb.conftest import PhoneDouble

ORDER = (
    *("adb", "authorised", "arm64", "page size", "loader", "server", "A76 cores", "governor"),
    *("frequency", "temperature", "free space", "screen", "battery saver", "charging"),
)
Start = Callable[..., "subprocess.Popen[str]"]
MakePhone = Callable[..., PhoneDouble]


def by_name(checks: list[Check]) -> dict[str, Check]:
    assert tuple(check.name for check in checks) == ORDER
    return {check.name: check for check in checks}


def run(process: subprocess.Popen[str]) -> tuple[int, dict[str, Any]]:
    out, err = process.communicate(timeout=180)
    assert all(line.startswith("[") for line in err.splitlines()), err  # progress
    return process.returncode, json.loads(out)


def test_a_good_phone(
    phone_double: PhoneDouble, depthbench: Start, wait_until: Callable[..., float]
) -> None:
    device = f"adb:{phone_double.serial}"
    code, document = run(depthbench("phone", "doctor", "--device", device, "--json"))
    checks = by_name([Check(**check) for check in document["checks"]])
    assert {check.verdict for check in checks.values()} == {"good"}
    assert (code, document["fit"]) == (0, True)
    assert "an emulator: its times are no latencies" in checks["authorised"].found
    assert "bundle of 11" in checks["loader"].found
    big = sorted(os.sched_getaffinity(0))[len(os.sched_getaffinity(0)) // 2 :]
    assert checks["server"].found.startswith(f"a session ran on cores {big[0]}")
    assert checks["A76 cores"].found.endswith(f"computing on {checks['server'].found.split()[-1]}")
    wait_until(lambda: phone_double.running() == [], 60)
    assert phone_double.files() == []
    listed = subprocess.run(["adb", "forward", "--list"], capture_output=True, text=True)
    assert listed.stdout.strip() == ""


def test_warnings_say_what_to_do(make_phone: MakePhone) -> None:
    phone = make_phone("--data-mib", "128")
    core = sorted(os.sched_getaffinity(0))[-1]
    clocks = f"/sys/devices/system/cpu/cpu{core}/cpufreq"
    phone.write(f"{clocks}/scaling_governor", "powersave")
    phone.write(f"{clocks}/scaling_max_freq", 1_209_600)
    phone.write("/sys/class/power_supply/battery/temp", 391)
    phone.write("/sys/class/power_supply/battery/capacity", 9)
    phone.write("/sys/class/display", "Dozing")
    phone.write("/sys/class/battery_saver", "1")
    checks = examine(f"adb:{phone.serial}")
    warned = {check.name: check for check in checks if check.verdict == "warning"}
    assert set(warned) == {
        *("governor", "frequency", "temperature", "free space", "screen", "battery saver"),
        "charging",
    }
    assert is_fit(checks)
    assert "battery saver" in warned["governor"].advice
    assert "limited to 1210 MHz" in warned["frequency"].found
    assert warned["temperature"].found == "battery 39.1 °C (limit 36 °C)"
    assert "stayon" in warned["screen"].advice
    assert warned["charging"].found.startswith("9 %")


def test_a_phone_that_runs_no_arm64(phone_double: PhoneDouble) -> None:
    script = "/system/bin/uname"
    phone_double.shell(f"rm {script}; echo '#!/system/bin/sh\necho i686' > {script}")
    phone_double.shell(f"chmod 755 {script}")
    checks = by_name(examine(f"adb:{phone_double.serial}"))
    assert (checks["arm64"].verdict, checks["arm64"].outcome) == ("failed", Outcome.NOT_ARM64)
    assert checks["arm64"].found == "i686, arm64-v8a"
    assert {checks[name].verdict for name in ORDER[3:]} == {"not reached"}


def test_a_phone_that_forbids_to_run_programs(phone_double: PhoneDouble) -> None:
    """As some vendors' Androids do."""
    mount = "mount -o remount,noexec /data"
    phone_double.shell(f"/system/bin/busybox {mount}")
    checks = by_name(examine(f"adb:{phone_double.serial}"))
    assert checks["loader"].verdict == "failed"
    assert checks["loader"].outcome is Outcome.PROGRAMS_FORBIDDEN
    assert "ermission denied" in checks["loader"].found
    assert checks["server"].verdict == "not reached"


def test_no_phone(adb_server: None, depthbench: Start) -> None:
    code, document = run(depthbench("phone", "doctor", "--json"))
    checks = by_name([Check(**check) for check in document["checks"]])
    assert (code, document["fit"]) == (3, False)
    assert checks["adb"].verdict == "good"
    assert (checks["authorised"].verdict, checks["authorised"].found) == (
        "failed",
        "no phone is connected",
    )
    assert "USB debugging" in checks["authorised"].advice


def test_an_unauthorised_phone(make_phone: MakePhone) -> None:
    checks = by_name(examine(f"adb:{make_phone('--unauthorised').serial}"))
    assert checks["authorised"].verdict == "failed"
    assert checks["authorised"].found.endswith("is unauthorised")
    assert "Allow USB debugging" in checks["authorised"].advice


def test_no_adb(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    checks = by_name(examine())
    assert checks["adb"] == Check(
        *("adb", Verdict.FAILED, Outcome.ADB_MISSING, "not installed", "sudo apt-get install adb")
    )
    assert not is_fit(list(checks.values()))
