"""The main job: network, ONNX, artefact, emulated phone, accuracy, estimated time, report."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from depthbench.errors import ToolMissing
from depthbench.plural import counted
from depthbench.progress import Progress

PROTOCOLS = ("paper", "eigen")
DRAWN, SHEET_IMAGES = "eigen", 6


def run_quickstart(
    name: str, out: Path, *, data: str | None, limit: int, say: Progress
) -> tuple[dict[str, Any], bool]:
    """Run every step for the network called `name` and return the report and whether all held.

    Leaves the ONNX file, the artefact, `records.jsonl`, `sheet.png` and the report (`.html`,
    `.md`, `.json`) in `out`. `say` is told each step, with the seconds since the start. The
    records of this run are reported, with what has changed since older ones in the file.
    """
    from android_rpc.devices.factory import open_device
    from bench.accuracy.contact_sheet import Sample, sheet_entry, write_contact_sheet
    from bench.accuracy.evaluate import default_data, measure_accuracy
    from bench.compile_service import compile_for
    from bench.cost.model_cost import measure_cost
    from bench.measure.latency import measure_on_device
    from bench.measure.request import MeasurementRequest
    from bench.models import resolve_model
    from bench.paper.networks import record_complexity
    from bench.records.record import append_record, read_records
    from bench.report.report import build_report
    from bench.report.write import write_report
    from bench.runtimes.onnxruntime_cpu import OnnxRuntimeCpu
    from depthnet.data import open_dataset
    from depthnet.scoring import protocols

    start = time.monotonic()
    kept = out / "records.jsonl"
    earlier = read_records(kept) if kept.exists() else []
    records: list[dict[str, Any]] = []

    def step(line: str) -> None:
        say(f"[{time.monotonic() - start:5.1f} s] {line}")

    def keep(record: dict[str, Any]) -> None:
        append_record(kept, record)
        records.append(record)

    device = open_device("emulated", progress=step)
    dataset = open_dataset(data or default_data(), "test", limit)
    keep(record_complexity(name))
    model = resolve_model(name, out, progress=step)
    with OnnxRuntimeCpu(model.path) as runtime:
        for protocol in PROTOCOLS:
            step(f"scoring {counted(len(dataset), 'image')} of {dataset.name}, protocol {protocol}")
            sample = Sample(len(dataset), SHEET_IMAGES if protocol == DRAWN else 0)
            scores = measure_accuracy(model, runtime, dataset, protocols.get(protocol), sample)
            if sample.results:
                write_contact_sheet(out / "sheet.png", sample.results, scores)
                scores["sheet"] = sheet_entry(out / "sheet.png", kept)
            keep(scores)
    artefact = compile_for(str(model.path), "arm64-a76", out, progress=step)
    measured = measure_on_device(
        MeasurementRequest(artefact, model.path, device),
        progress=step,
        on_sample=lambda ms: step(f"{device.name}: {ms:.0f} ms of emulation"),
        keep=keep,
    )
    try:
        keep(measure_cost(str(artefact.folder), out, model=model.path, progress=step))
    except ToolMissing as missing:
        step(f"no estimate of a Cortex-A76's time: {missing}")
    document = build_report(records, earlier)
    for ending in ("html", "md", "json"):
        write_report(document, out / f"report.{ending}", [out])
    step(f"report in {out / 'report.html'}")
    return document, measured["valid"]
