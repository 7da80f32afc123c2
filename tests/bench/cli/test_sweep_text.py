"""What a sweep prints tells its cells apart."""

from __future__ import annotations

from typing import Any

from bench.cli.sweep_text import carried_out, planned


def row(device: str, why: str = "") -> dict[str, Any]:
    return {
        **{"model": "tiny", "size": "own", "precision": "fp32", "threads": 2, "runtime": "tvm"},
        **{"device": device, "figures": {}, "skipped": {}, "steps": {"measure": "waiting"}},
        **{"state": "failed" if why else "done", "why": [why] if why else []},
    }


def test_the_same_cell_of_two_devices_is_told_apart() -> None:
    cells = [row("adb", "measure: no phone"), row("adb:all", "measure: no phone"), row("host")]
    text = carried_out({"cells": cells, "answers": [], "files": []})
    assert "failed: tiny own fp32, 2 threads, tvm, adb: measure: no phone\n" in text
    assert text.endswith("failed: tiny own fp32, 2 threads, tvm, adb:all: measure: no phone")


def test_one_cell_is_not_called_cells() -> None:
    text = planned({"cells": [row("host")]}, ["waiting"])
    assert text.endswith("1 cell; 1 distinct step, 0 of them done before. Nothing was run.")
