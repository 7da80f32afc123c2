"""`depthbench rpc-measure`: time an artefact on a device over TVM RPC."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bench.cli.common import emit, json_option, key_values, out_option, status


@click.command(name="rpc-measure")
@click.argument("artefact", required=False)
@click.option(
    "--device",
    default="emulated",
    show_default=True,
    help="emulated; adb or adb:SERIAL for a phone on a cable; tracker:HOST:PORT/KEY for a device "
    "that is served elsewhere.",
)
@click.option("--cores", help="The phone's cores to use: 4-7.  [default: all A76 of the fastest]")
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True)
@click.option(
    "--model",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The .onnx file that ARTEFACT was compiled from.  [default: the one beside it]",
)
@click.option("--warmup", type=click.IntRange(min=0), help="Runs that do not count, a session.")
@click.option("--samples", type=click.IntRange(min=1), help="Samples a session, at least.")
@click.option("--seconds", type=click.FloatRange(min=0), help="Seconds a session, at least.")
@click.option("--sessions", type=click.IntRange(min=1), help="Sessions, each with a fresh start.")
@click.option("--quick", is_flag=True, help="A first look: few samples, and the record says so.")
@click.option(
    "--records",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The .jsonl file the record is appended to.  [default: OUT/records.jsonl]",
)
@out_option
@json_option
def command(
    artefact: str | None,
    device: str,
    cores: str | None,
    threads: int,
    model: Path | None,
    warmup: int | None,
    samples: int | None,
    seconds: float | None,
    sessions: int | None,
    quick: bool,
    records: Path | None,
    out: Path,
    as_json: bool,
) -> int:
    """Run ARTEFACT on a device through a TVM RPC tracker: compare its outputs with ONNX
    Runtime's, then time it.

    ARTEFACT is a folder that `depthbench compile` wrote, or a network's name or an .onnx file
    to compile for arm64-a76 first; by default the flagship.
    """
    from android_rpc.choose import open_device
    from android_rpc.topology import parse_core_list
    from bench.artefacts import resolve_artefact
    from bench.latency import measure_on_device
    from bench.record import append_record

    chosen = parse_core_list(cores) if cores else None
    with status() as progress:
        target = open_device(device, threads, progress, chosen)
        compiled, source = resolve_artefact(
            artefact, out, model=model, threads=threads, progress=progress
        )
        record = measure_on_device(
            compiled,
            source,
            target,
            warmup=warmup,
            samples=samples,
            seconds=seconds,
            sessions=sessions,
            quick=quick,
            progress=progress,
            on_sample=lambda ms: progress(f"{target.name}: {ms:.1f} ms"),
            keep=lambda kept: append_record(records or out / "records.jsonl", kept),
        )
    emit(record, as_json, lambda: key_values(_shown(record)))
    return 0 if record["valid"] else 1


def _shown(record: dict[str, Any]) -> dict[str, Any]:
    agreement = record["agreement"]
    return {
        "model": record["model"],
        "device": record["device"]["name"],
        "label": record["label"],
        "p50": f"{record['p50_ms']:.1f} ms" if record["p50_ms"] else "-",
        "p90": f"{record['p90_ms']:.1f} ms" if record["p90_ms"] else "-",
        "samples": record["count"],
        "difference": f"{agreement['max_relative_difference']} relative to {agreement['against']}",
        "valid": record["valid"],
        "reasons": "; ".join(record["reasons"]) or "-",
    }
