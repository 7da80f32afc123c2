"""`depthbench eval --video`: how depth flickers from frame to frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.cli.output import emit, key_values, note
from bench.cli.progress import status
from bench.model_card import Asked
from depthbench.plural import counted


def eval_video(
    model: str,
    video: Path,
    asked: Asked,
    out: Path,
    into: Path,
    *,
    static: bool,
    limit: int | None,
    runtime: str,
    threads: int,
    as_json: bool,
) -> None:
    """Measure the flicker of `model` on `video`, keep the record in `into` and print it."""
    from bench.flicker.measure_flicker import measure_flicker
    from bench.model_card import describe_model, open_model
    from bench.records.record import append_record
    from bench.runtimes.registry import open_runtime

    with status() as progress:
        source = open_model(model, out, asked, progress=progress)
        depth_model = describe_model(source, asked)
        loaded = open_runtime(runtime, source, out, threads=threads)
    with loaded, status() as progress:
        record = measure_flicker(
            *(source, depth_model, loaded, video),
            static=static,
            limit=limit,
            on_frame=lambda count: progress(f"{video}: frame {count}"),
        )
    append_record(into, record)
    if record["damage"]:
        note(f"{video}: {record['damage']}")
    emit(record, as_json, lambda: key_values({**shown(record), "recorded in": into}))


def shown(record: dict[str, Any]) -> dict[str, Any]:
    """What a person wants to see of a record."""
    share = record["share_of"]
    rate = record["frames_per_second"]
    lines = {
        "model": record["model"],
        "video": record["data"] + (f", {rate:g} frames/s" if rate else ""),
        "pairs": f"{record['pairs']} of {counted(record['frames'], 'frame')}; "
        f"{counted(record['cuts'], 'cut')}, {counted(record['gaps'], 'gap')}",
        "motion": f"{record['flow']}; {record['visible']:.0%} of pixels are seen in both",
        "flicker": f"{_percent(record['flicker'])} of the {share} from frame to frame",
        "worst": f"{_percent(record['flicker_p95'])} in a pair of twenty; most at "
        f"{record['worst_s']:.2f}" + (" s" if rate else ""),
    }
    if share == "depth":
        lines["beyond scale"] = f"{_percent(record['aligned'])} when each pair is scaled first"
        lines["change of scale"] = _percent(record["scale_change"])
    if record["deviation"] is not None:
        lines["over time"] = f"standard deviation {_percent(record['deviation'])} of the {share}"
    return {**lines, "runtime": record["runtime"]}


def _percent(value: float) -> str:
    return f"{100 * value:.2f} %"
