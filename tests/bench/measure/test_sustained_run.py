"""A sustained run as part of a measurement: what of it is in the record, however it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from android_rpc.telemetry.recorder import Reading
from bench.measure.sampling_plan import Sampling
from bench.records.record import Record
from depthbench.errors import DeviceError
from tests.bench.measure.conftest import FakePhone, check_schema

Measure = Callable[..., Record]
SHORT = Sampling(warmup=1, samples=5, seconds=0, sessions=2)
LASTS = {"sampling": SHORT, "quick": True, "sustained_s": 0.3}


def discharging(phone: FakePhone, amperes: float = 1.0) -> None:
    """A clock that drops and a battery that warms, over what the phone calls 1000 to 1000.3 s."""
    battery = {"current_now": -amperes * 1e6, "voltage_now": 4e6, "temp": 300.0}
    phone.told = [
        Reading(999.0 + 0.1 * n, {"6": 2600.0 - 10 * n}, {"cpu": 40.0 + n}, battery)
        for n in range(30)
    ]
    phone.powered = []


def test_it_has_a_session_of_its_own_after_the_others(measure: Measure, phone: FakePhone) -> None:
    record = measure(phone, **LASTS)
    assert phone.sessions == SHORT.sessions + 1
    assert len(record["sessions"]) == SHORT.sessions
    run = record["sustained"]
    assert run["asked_s"] == 0.3
    assert 0.3 <= run["seconds"] < 10
    assert run["first_fps"] == pytest.approx(1 / phone.seconds, rel=0.3)
    # It has no recorder: its clock is read through the session.
    told = run["telemetry"]
    assert set(told["clocks_mhz"]["6"]) == {2600.0}
    assert (told["seconds"][0], told["hottest_c"][0], told["battery_c"][0]) == (0.0, None, None)
    assert run["energy"] == {"absent": "the battery was not read, or too seldom"}
    assert (record["valid"], record["reasons"]) == (True, [])
    check_schema(record)


def test_readings_of_the_device_are_placed_in_the_run(measure: Measure, phone: FakePhone) -> None:
    discharging(phone)
    run = measure(phone, **LASTS)["sustained"]
    told = run["telemetry"]
    assert told["seconds"][0] == -1.0
    assert told["seconds"] == sorted(told["seconds"])
    assert max(told["seconds"]) <= run["seconds"] + 1
    assert told["clocks_mhz"]["6"][10] == 2500
    assert (told["hottest_c"][10], told["battery_c"][10]) == (50.0, 30.0)
    energy = run["energy"]
    expected = 1e3 * 4 * 1.0 * run["seconds"] / (run["inferences"] + run["uncounted"])
    assert energy["per_inference_mj"] == pytest.approx(expected, rel=0.01)


def test_a_phone_on_a_cable_has_no_energy(measure: Measure, phone: FakePhone) -> None:
    discharging(phone)
    phone.powered = ["USB"]
    energy = measure(phone, **LASTS)["sustained"]["energy"]
    assert energy == {"absent": "the device is powered by USB"}


def test_under_emulation_it_is_an_emulated_cost(measure: Measure, emulated: FakePhone) -> None:
    record = measure(emulated, sampling=SHORT, sustained_s=0.3)
    assert record["kind"] == "emulated cost"
    assert record["sustained"]["first_fps"] > 0
    assert record["sustained"]["telemetry"] is None, "the files are those of another machine"


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), DeviceError("device fake: gone")])
def test_an_early_end_keeps_the_run_so_far(
    measure: Measure, phone: FakePhone, failure: BaseException
) -> None:
    discharging(phone)
    kept: list[Record] = []

    def stop(record: Record) -> None:
        if "sustained" in record:
            phone.fail_after, phone.failure = phone.inferences, failure

    with pytest.raises(type(failure)):
        measure(phone, **{**LASTS, "sustained_s": 60}, so_far=stop, keep=kept.append)
    (record,) = kept
    assert record["valid"] is False
    assert record["sustained"]["asked_s"] == 60
    assert 0 < record["sustained"]["seconds"] < 30
    assert record["sustained"]["windows"]
    assert record["sustained"]["telemetry"]["clocks_mhz"]["6"]
    assert len(record["samples_ms"]) == SHORT.samples * SHORT.sessions
    check_schema(record)


def test_outputs_that_differ_are_not_run_on(
    measure: Measure, closed_form: Callable[..., Any]
) -> None:
    device = FakePhone(lambda image: closed_form(image) + 1, emulated=True)
    assert "sustained" not in measure(device, sampling=SHORT, sustained_s=0.3)
