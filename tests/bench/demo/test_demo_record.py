"""What becomes of a record that the demo's page kept."""

from __future__ import annotations

from typing import Any

import pytest

from bench.demo.demo_record import demo_record
from bench.records.record import new_record
from bench.records.validation import find_fault
from depthbench.errors import DeviceError


def event(**changes: Any) -> dict[str, Any]:
    samples = [1.0, 2.0, 3.0]
    fields: dict[str, Any] = {
        **{"model": "small", "target": "arm64-a76", "artefact_sha256": "ab" * 32},
        **{"device": {"name": "AMD EPYC", "emulated": False}, "agreement": {}, "valid": True},
        **{"samples_ms": samples, "sessions": [samples], "reasons": [], "quick": False},
        **{"p50_ms": 2.0, "p90_ms": 2.8, "p99_ms": 2.98, "mean_ms": 2.0, "std_ms": 1.0},
        **{"count": 3, "source": "app", "conditions": {"threads": 1, "git": None}, **changes},
    }
    return {"event": "record", "record": new_record("latency", fields)}


def test_a_record_says_that_it_is_the_demos_and_which_machine_kept_it() -> None:
    record = demo_record(event(), "host")
    assert not find_fault(record)
    assert (record["source"], record["kind"]) == ("demo", "latency")
    assert record["conditions"]["threads"] == 1
    assert record["conditions"]["host"]["kernel"]
    assert record["conditions"]["tools"]["numpy"]


def test_times_of_the_emulated_phone_are_no_latency() -> None:
    record = demo_record(event(), "emulated")
    assert not find_fault(record)
    assert record["kind"] == "emulated cost"
    assert record["device"]["emulated"]


def test_what_is_no_record_is_refused() -> None:
    with pytest.raises(DeviceError, match="wrote no record"):
        demo_record({"event": "record", "record": {"schema": "none"}}, "host")
