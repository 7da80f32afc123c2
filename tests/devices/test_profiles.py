"""Every profile of a real device: what is read of it, which cores compute, what is said of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from android_rpc.doctor.finding import Verdict
from android_rpc.telemetry import sysfs
from android_rpc.telemetry.device_state import read_state
from android_rpc.telemetry.topology import parse_core_list
from depthbench.errors import InputError
from tests.devices.__main__ import row
from tests.devices.examination import examine, open_device, reached
from tests.devices.profile import profile_names
from tests.devices.profile_transport import ProfileTransport

DOUBTFUL = {"A76 cores", "governor", "frequency", "temperature", "screen", "battery saver"}


@pytest.fixture(params=profile_names(), scope="module")
def device(request: pytest.FixtureRequest) -> Iterator[ProfileTransport]:
    with reached(request.param) as transport:
        yield transport


def test_a_profile_names_its_sources(device: ProfileTransport) -> None:
    assert device.profile.sources
    assert device.profile.expected["computes_on"]


def test_cores(device: ProfileTransport) -> None:
    cores = sysfs.read_cores(device)
    assert [core.number for core in cores] == sorted(device.profile.cores)
    a76 = device.profile.expected["a76"]
    assert [core.number for core in cores if core.is_a76] == (parse_core_list(a76) if a76 else [])
    for threads, chosen in device.profile.expected["computes_on"].items():
        assert open_device(device, threads=int(threads)).cores == parse_core_list(chosen)


def test_cores_whose_cpuinfo_does_not_name_them() -> None:
    with reached("pixel_5") as device:
        named = sysfs.read_cores(device)
        device.write("/proc/cpuinfo", "Processor\t: AArch64 Processor rev 14\nprocessor\t: 0")
        assert sysfs.read_cores(device) == named


def test_too_many_threads_are_refused_in_one_line(device: ProfileTransport) -> None:
    with pytest.raises(InputError, match=r"^phone .*: 9 threads on \d cores?, [\d,-]+; ask"):
        open_device(device, threads=9)


def test_temperatures(device: ProfileTransport) -> None:
    now, expected = read_state(device).temperatures, device.profile.expected
    assert now.cpu_c == expected.get("cpu_c")
    assert now.battery_c == expected.get("battery_c")
    hidden = any(path in "/sys/class/thermal" for path in device.profile.denied)
    assert now.source != "zones" or not hidden


def test_the_doctor_says_what_is_wrong_and_no_more(device: ProfileTransport) -> None:
    checks = {check.name: check for check in examine(device).checks}
    bad = {name for name, check in checks.items() if check.verdict is not Verdict.GOOD}
    assert bad <= DOUBTFUL
    assert all(checks[name].advice for name in bad)
    assert ("A76 cores" in bad) == (not device.profile.expected["a76"])
    assert all("\n" not in check.found + check.advice for check in checks.values())


def test_whether_a_latency_would_be_valid(device: ProfileTransport) -> None:
    found, expected = examine(device), device.profile.expected
    assert found.conditions["emulated"] == expected.get("emulated", False)
    assert found.verdict.valid == expected["valid"], found.verdict.reasons
    assert expected.get("why", "") in "; ".join(found.verdict.reasons)
    assert all(row(found))


def test_named_cores_are_measured_though_they_are_no_a76() -> None:
    with reached("mi_10") as device:
        assert not examine(device).verdict.valid
        conditions = open_device(device, cores=[7]).conditions()
        assert conditions["cpus_named"] is True


def test_a_core_that_is_switched_off_is_missed() -> None:
    """As core control and vendors' power savers do with big cores."""
    with reached("realme_7") as device:
        text = (device.folder / "proc/cpuinfo").read_text()
        device.write("/proc/cpuinfo", text.partition("processor\t: 6")[0])
        checks = {check.name: check for check in examine(device).checks}
        assert checks["A76 cores"].found.endswith("cores 6-7 are switched off")
        assert not examine(device).verdict.valid


def test_a_board_with_a_weak_power_supply() -> None:
    with reached("raspberry_pi_5") as device:
        vcgencmd = device.folder / "system/bin/vcgencmd"
        vcgencmd.write_text(vcgencmd.read_text().replace("0x0", "0x50005"))
        found = examine(device)
        (charging,) = [check for check in found.checks if check.name == "charging"]
        assert charging.found == "its power supply is too weak, it is throttled"
        assert "the board was held back" in found.verdict.reasons[0]
