"""The doctor and rpc-measure on test phones of real devices' shapes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from android_rpc.bundle.bundle import Bundle
from android_rpc.devices.adb_phone import AdbPhone
from android_rpc.devices.device import Device, Endpoint
from android_rpc.doctor.doctor import checks_of
from android_rpc.doctor.finding import Verdict
from android_rpc.doctor.visit import Visit
from android_rpc.doctor.wording import report
from android_rpc.session import Session, open_session
from android_rpc.tracker.tracker import Tracker
from bench.measure.connection import OpenSession
from bench.measure.latency import measure_on_device
from bench.measure.request import MeasurementRequest
from bench.measure.sampling_plan import Sampling
from compile.artefact import Artefact
from compile.pipeline import compile_model
from depthbench.errors import DeviceError
from tests.devices.file_tree import on_cores, write_tree
from tests.devices.profile import Profile, read_profile
from tests.integration.adb.conftest import PhoneDouble

MakePhone = Callable[..., PhoneDouble]


@pytest.fixture(scope="module")
def artefact(model: Path) -> Artefact:
    return compile_model(model, "arm64-a76", model.parent / "shaped-arm64-a76")


@pytest.fixture(scope="module")
def tracker() -> Iterator[Tracker]:
    with Tracker() as tracker:
        yield tracker


@pytest.fixture
def make_device(make_phone: MakePhone, tmp_path: Path) -> Callable[[Profile], PhoneDouble]:
    """A test phone with the files and programs of a profile."""

    def make(profile: Profile) -> PhoneDouble:
        write_tree(profile, tmp_path / "shape", shell="/system/bin/sh", system="/system")
        return make_phone("--shape", str(tmp_path / "shape"))

    return make


def here(name: str) -> Profile:
    """A profile with as many of its cores as this machine has: one that is chosen, small ones."""
    profile = read_profile(name)
    chosen = int(profile.expected["computes_on"]["1"][0])
    wanted = [chosen, *(core for core in sorted(profile.cores) if core != chosen)]
    return on_cores(profile, dict(zip(wanted, sorted(os.sched_getaffinity(0)), strict=False)))


@contextmanager
def connect_at(tracker: Tracker, device: Device, timeout_s: float) -> Iterator[OpenSession]:
    """As `bench.measure.connection.connect`, at a tracker that all tests share."""

    @contextmanager
    def open_when_ready(endpoint: Endpoint) -> Iterator[Session]:
        device.prepare()
        with open_session(*endpoint, timeout_s=timeout_s) as session:
            yield session

    with device.serve(tracker) as endpoint:
        yield partial(open_when_ready, endpoint)


@pytest.mark.parametrize(
    "name", ["pixel_4", "pixel_6", "p40_pro", "galaxy_s20", "mi_10", "waydroid"]
)
def test_a_device(
    name: str,
    make_device: Callable[[Profile], PhoneDouble],
    artefact: Artefact,
    model: Path,
    tracker: Tracker,
    bundle: Bundle,
) -> None:
    profile = here(name)
    phone = make_device(profile)
    visit = Visit(f"adb:{phone.serial}")
    found = {
        name: report(name, check(visit))
        for name, check in checks_of(visit.device).items()
        if name != "server"
    }
    assert profile.properties["ro.product.model"] in found["authorised"].found
    assert (found["A76 cores"].verdict is Verdict.GOOD) == bool(profile.expected["a76"])
    assert all(check.verdict in (Verdict.GOOD, Verdict.WARNING) for check in found.values())
    device = AdbPhone(phone.serial, bundle)
    sampling = Sampling(warmup=0, samples=100, seconds=0.5, sessions=1)
    request = MeasurementRequest(artefact, model, device, sampling=sampling)
    record = measure_on_device(request, connect=partial(connect_at, tracker))
    assert (record["valid"], record["emulated"], record["reasons"]) == (True, True, [])
    after = record["conditions"]["after"]
    assert 0 in after["cpus"]
    assert after["cores"] == after["cpus"]
    assert after["cpu_c"] == profile.expected.get("cpu_c")
    assert after["battery_c"] == profile.expected.get("battery_c")
    assert after["battery_saver"] == (name == "p40_pro")
    lowest, highest = (khz / 1e3 for khz in profile.cores[0].khz or (0, 0))
    assert after["clock_limits_mhz"]["0"] == highest
    assert set(after["during"]["clocks_mhz"]["0"]) <= {lowest, highest}


def test_the_governor_follows_the_load(
    make_device: Callable[[Profile], PhoneDouble], wait_until: Callable[..., float]
) -> None:
    phone = make_device(here("pixel_4"))
    clock = phone.root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq"
    busy = "taskset -p 1 $$; while [ ! -e /data/stop ]; do :; done"
    load = threading.Thread(target=phone.shell, args=[busy])
    wait_until(lambda: clock.read_text() == "825600\n", 60)
    load.start()
    wait_until(lambda: clock.read_text() == "2841600\n", 60)
    phone.shell("touch /data/stop")
    load.join()
    wait_until(lambda: clock.read_text() == "825600\n", 60)


def test_big_cores_that_are_switched_off_while_idle_are_woken(
    make_device: Callable[[Profile], PhoneDouble],
    wait_until: Callable[..., float],
    tmp_path: Path,
) -> None:
    (tmp_path / "shape/system").mkdir(parents=True)
    (tmp_path / "shape/system/isolating").write_text("0\n")
    phone = make_device(here("realme_7"))
    listed = phone.root / "system/cpuinfo"
    wait_until(lambda: "processor\t: 0\n" not in listed.read_text(), 60)
    assert AdbPhone(phone.serial).cores == [0]


def test_why_a_server_refused_reaches_the_user(
    make_device: Callable[[Profile], PhoneDouble], bundle: Bundle
) -> None:
    """A core that is gone when the session starts: this machine has none of this number."""
    numbers = {core: core + 500 for core in range(8)}
    phone = make_device(on_cores(read_profile("realme_7"), numbers))
    device = AdbPhone(phone.serial, bundle)
    with (
        pytest.raises(DeviceError, match=r"refused: cannot run on the chosen CPUs: Invalid"),
        device.reach() as endpoint,
        open_session(*endpoint, wait_s=3),
    ):
        pass
