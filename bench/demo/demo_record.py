"""What the demo's page kept, as a record of this machine's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.demo.device_choice import EMULATED
from bench.records.record import Record, new_record
from bench.records.validation import find_fault
from depthbench.errors import DeviceError

SOURCE = "demo"


def demo_record(event: Mapping[str, Any], device: str) -> Record:
    """The record of an event `record` of the demo's server on `device`.

    To what the package wrote come this machine's conditions. Times of the emulated phone are no
    latency, whatever the package takes its processor for. Raises DeviceError for what is no record.
    """
    written = dict(event["record"])
    if device == EMULATED:
        written |= {"kind": "emulated cost", "label": "emulated cost, not latency"}
        written |= {"emulated": True, "device": {"name": EMULATED, "emulated": True}}
    if fault := find_fault(written):
        raise DeviceError(f"{device}: the package wrote no record: {fault}")
    return new_record(written["kind"], {**written, "source": SOURCE})
