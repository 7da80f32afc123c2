"""What compare prints of a device: made-up figures, and whose they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bench.peers import device_comparison

Run = Callable[..., tuple[int, str, str]]
AGREEMENT = {"max_relative_difference": 2e-7, "reference_std": 1.0, "problem": None}


def row(precision: str, **more: Any) -> dict[str, Any]:
    return {"version": "1.2", "precision": precision, "agreement": AGREEMENT, **more}


def document(schema: str, rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "schema": schema,
        "model": "tiny",
        "precision": "fp32",
        "threads": 1,
        "reference": "onnxruntime",
        "device": {"name": "a device", "emulated": True},
        "label": "emulated cost, not latency",
        "runtimes": rows,
        "absent": {"litert": "LiteRT's converter is not installed"},
        "left_out": {"mnn-fp16": "outputs differ from onnxruntime's: mnn-fp16 by 0.5"},
        "lost": {},
        **more,
    }


def line(out: str, name: str) -> list[str]:
    (found,) = [line for line in out.splitlines() if line.strip().startswith(f"{name} ")]
    return found.split()


def test_counts_stand_beside_ours_in_the_same_precision(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    cycles = {"tvm": 80e6, "tvm-fp16": 40e6, "ncnn": 100e6, "ncnn-fp16": 50e6}
    rows = {
        name: row(
            "fp16" if name.endswith("fp16") else "fp32",
            cost={"instructions": 2 * own, "est_cycles": own},
            estimate={
                **{"milliseconds": own / 2e6, "low_ms": own / 2.5e6, "high_ms": own / 1e6},
                **{"core": "a board", "clock_ghz": 2.0, "error_source": "public figures"},
            },
            against={other: {"est_cycles": own / c} for other, c in cycles.items() if c != own},
        )
        for name, own in cycles.items()
    }
    found = document(
        *("depthbench.cost_comparison/1", rows),
        decided_by="est_cycles",
        conditions={"note": "an estimate, not a latency"},
    )
    monkeypatch.setattr(device_comparison, "compare_on_device", lambda *_, **__: found)
    code, out, _ = run("compare", "tiny.onnx", "--device", "emulated")
    assert code == 0
    assert "on a device: emulated cost, not latency" in out.splitlines()[0]
    assert line(out, "ncnn")[:6] == ["ncnn", "1.2", "fp32", "200.0", "100.0", "50.0"]
    assert line(out, "ncnn")[6:10] == ["(40.0", "to", "100)", "0.800"]
    assert line(out, "ncnn-fp16")[:6] == ["ncnn-fp16", "1.2", "fp16", "100.0", "50.0", "25.0"]
    assert line(out, "ncnn-fp16")[9] == "0.800"
    assert line(out, "tvm")[9] == line(out, "tvm-fp16")[9] == "-"
    assert out.count("est. ms: emulated, for a board, 2 GHz; interval: public figures\n") == 1
    assert "an estimate, not a latency" in out
    assert "left out, mnn-fp16: outputs differ from onnxruntime's: mnn-fp16 by 0.5" in out
    assert "absent, litert: LiteRT's converter is not installed" in out


def test_times_stand_with_why_they_are_not_valid_and_a_lost_one_that_was_named_is_told(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    ratio = {"ratio": 0.5, "low": 0.4, "high": 0.6}
    times = {"cpu_ms": {"p50": 3.0}, "wall_ms": {"p50": 3.5}}
    rows = {
        "tvm": row("fp32", **times, against={"ncnn": ratio}, valid=True, reasons=[]),
        "ncnn": row("fp32", **times, against={}, valid=False, reasons=["too warm"]),
    }
    found = document("depthbench.device_comparison/1", rows, rounds=60, lost={"mnn": "mnn: died"})
    monkeypatch.setattr(device_comparison, "compare_on_device", lambda *_, **__: found)
    code, out, _ = run("compare", "tiny.onnx", "--device", "adb", "--runtimes", "tvm,ncnn,mnn")
    assert code == 1
    assert "0.500 (0.400 to 0.600)" in out
    assert "not valid, ncnn: too warm" in out
    assert "lost, mnn: died" in out


def test_cores_are_those_of_a_device(run: Run) -> None:
    code, _, err = run("compare", "tiny.onnx", "--cores", "4-7")
    assert code == 2
    assert "--cores: nothing to do, since they are those of a device; give --device too" in err
