"""`depthbench rpc-measure`: time artefacts on devices over TVM RPC."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.card_options import card_options
from bench.cli.options import (
    RECORDS,
    DeviceCommand,
    cores_option,
    data_option,
    default_device,
    devices_option,
    json_option,
    out_option,
    protocol_option,
    record_option,
    threads_option,
)
from bench.cli.output import emit, key_values, table
from bench.cli.parameter_types import FILE, MODEL
from bench.cli.progress import status
from bench.cli.unused_options import refuse_unused
from bench.model_card import NOTHING, Asked
from bench.report.numbers import fixed, scientific
from bench.report.wording import energy, sustained
from depthbench.errors import InputError
from depthbench.plural import counted

if TYPE_CHECKING:
    from android_rpc.devices.device import Device
    from bench.measure.job_queue import Job
    from bench.measure.latency import Connect
    from bench.records.record import Record
    from depthnet.data.pair import DepthDataset


@click.command(name="rpc-measure", cls=DeviceCommand)
@click.argument("artefacts", nargs=-1, type=MODEL, metavar="[ARTEFACT]...")
@devices_option
@click.option("--everywhere", is_flag=True, help="Every artefact on every device.")
@cores_option
@threads_option
@click.option(
    "--model",
    type=FILE,
    help="The .onnx file that ARTEFACT was compiled from.  [default: the one beside it]",
)
@click.option("--warmup", type=click.IntRange(min=0), help="Runs that do not count, a session.")
@click.option("--samples", type=click.IntRange(min=1), help="Samples a session, at least.")
@click.option("--seconds", type=click.FloatRange(min=0), help="Seconds a session, at least.")
@click.option("--sessions", type=click.IntRange(min=1), help="Sessions, each with a fresh start.")
@click.option(
    "--session-limit",
    type=click.FloatRange(min=0, min_open=True),
    default=3600,
    show_default=True,
    help="Seconds after which a session is ended, as a model that never ends would never be.",
)
@click.option("--quick", is_flag=True, help="A first look: few samples, and the record says so.")
@click.option("--profile", is_flag=True, help="Time every operator too, in the last session.")
@click.option(
    "--sustained",
    "sustained_for",
    metavar="DURATION",
    help="Then also run back to back for so long, as 30s, 10m or 1h: speed as the device warms.",
)
@click.option(
    "--accuracy",
    "images",
    type=click.IntRange(min=1),
    help="Also score so many test images there, of --data under --protocol.",
)
@data_option
@protocol_option
@card_options(output="--output")
@record_option
@out_option
@json_option
def command(
    artefacts: tuple[str, ...],
    devices: tuple[str, ...],
    everywhere: bool,
    cores: str | None,
    threads: int,
    model: Path | None,
    warmup: int | None,
    samples: int | None,
    seconds: float | None,
    sessions: int | None,
    session_limit: float,
    quick: bool,
    profile: bool,
    sustained_for: str | None,
    images: int | None,
    data: str | None,
    protocol: str | None,
    asked: Asked,
    records: Path | None,
    out: Path,
    as_json: bool,
) -> int:
    """Time ARTEFACT on a device over TVM RPC, checked first.

    Its outputs are compared with ONNX Runtime's before a time is taken.

    ARTEFACT is a folder that `depthbench compile` wrote, or a network's name or an .onnx file
    to compile for arm64-a76 first; by default the flagship. Of several, each goes to the next
    device that is free.
    """
    from android_rpc.devices.factory import open_device_pool
    from android_rpc.telemetry.topology import parse_core_list
    from bench.accuracy.device_accuracy import accuracy_of
    from bench.compile_service import resolve_artefact
    from bench.measure.device_loan import TRIES
    from bench.measure.job_queue import Job, measure_all
    from bench.measure.latency import measure_on_device
    from bench.measure.request import MeasurementRequest
    from bench.models import names_folder
    from bench.records.crash_recovery import adopt_unfinished, unfinished
    from bench.records.record import append_record
    from bench.sustained.duration import parse_duration

    if model and len(artefacts) > 1:
        raise InputError(
            "--model names the source of one artefact", advice="put the others beside theirs"
        )
    compiled = any(map(names_folder, artefacts))
    if not compiled:
        refuse_unused(["--model"], "no ARTEFACT is a compiled model")
    if images is None:
        advice = "say of how many images with --accuracy N"
        refuse_unused(["--data", "--protocol"], "no accuracy is scored", advice=advice)
    dataset = _dataset(images, data)
    if asked != NOTHING and not dataset and compiled:
        raise InputError(
            "an artefact is timed as it was compiled",
            advice="say how its model is used to --accuracy N, or compile again",
        )
    sustained_s = parse_duration(sustained_for) if sustained_for else None
    chosen = parse_core_list(cores) if cores else None
    into = records or out / RECORDS
    adopt_unfinished(into)
    with status() as progress:
        pool = open_device_pool(devices or (default_device(),), threads, progress, chosen)
        found = [
            resolve_artefact(
                what, out, model=model, threads=threads, asked=asked, progress=progress
            )
            for what in artefacts or (None,)
        ]
        jobs = [Job(artefact, source) for artefact, source in found]
        scored = {
            artefact.folder: accuracy_of(artefact, source, dataset, protocol, asked)
            for artefact, source in found
            if dataset
        }

        def measure(job: Job, device: Device, connect: Connect) -> Record:
            with unfinished(into) as so_far:
                return measure_on_device(
                    MeasurementRequest(
                        job.artefact,
                        job.source,
                        device,
                        changes={
                            "warmup": warmup,
                            "samples": samples,
                            "seconds": seconds,
                            "sessions": sessions,
                        },
                        quick=quick,
                        session_limit_s=session_limit,
                        profile=profile,
                        sustained_s=sustained_s,
                        accuracy=scored.get(job.artefact.folder),
                    ),
                    progress=progress,
                    on_sample=lambda ms: progress(f"{device.name}: {ms:.1f} ms"),
                    keep=lambda kept: append_record(into, kept),
                    so_far=so_far,
                    connect=connect,
                )

        alone = len(jobs) == 1 and not everywhere
        # A phone on a cable that was lost is told of at once; a farm has others.
        tries = 1 if alone and not pool.shared else TRIES
        done = measure_all(
            jobs, pool, measure, everywhere=everywhere, tries=tries, progress=progress
        )
    failed = [job for job in jobs if job.failed]
    if alone and failed:
        raise failed[0].error or AssertionError("what failed has its error")
    if alone:
        (record,) = done
        emit(record, as_json, lambda: _text(record))
    else:
        document = {
            "records": done,
            "failed": [{"artefact": str(job.artefact.folder), "why": job.failed} for job in failed],
        }
        emit(document, as_json, lambda: table([_row(record) for record in done]) if done else "")
        for job in failed:
            click.echo(f"depthbench: {job.artefact.folder}: {job.failed}", err=True)
    codes = [getattr(job.error, "exit_code", 1) for job in failed]
    return max(codes, default=0 if all(record["valid"] for record in done) else 1)


def _dataset(images: int | None, data: str | None) -> DepthDataset | None:
    if images is None:
        return None
    from bench.accuracy.evaluate import default_data
    from depthnet.data import open_dataset

    return open_dataset(data or default_data(), "test", images)


def _text(record: dict[str, Any]) -> str:
    shown = key_values(_shown(record))
    if "profile" not in record:
        return shown
    from bench.cli.profile import profile_table

    return f"{shown}\n\noperators, {record['label']}\n{profile_table(record['profile'])}"


def _shown(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "model": record["model"],
        "device": record["device"]["name"],
        "label": record["label"],
        "p50": fixed(record["p50_ms"], 1, "ms"),
        "p90": fixed(record["p90_ms"], 1, "ms"),
        "samples": record["count"],
        "difference": _difference(record["agreement"]),
        **_scores(record.get("accuracy")),
        **_sustained(record),
        "valid": record["valid"],
        "reasons": "; ".join(record["reasons"]) or "-",
    }


def _scores(accuracy: dict[str, Any] | None) -> dict[str, Any]:
    if not accuracy:
        return {}
    return {
        "accuracy": f"{accuracy['protocol']} on {counted(accuracy['images'], 'image')} of "
        f"{accuracy['data']}: RMSE {accuracy['rmse']:.3f} m, REL {accuracy['rel']:.3f}, "
        f"δ1 {accuracy['delta1']:.3f}",
        "difference there": _difference(accuracy["agreement"]),
    }


def _sustained(record: dict[str, Any]) -> dict[str, Any]:
    if "sustained" not in record:
        return {}
    return {"sustained": sustained(record), "energy": energy(record)}


def _difference(agreement: dict[str, Any]) -> str:
    largest = scientific(agreement["max_relative_difference"])
    return f"{largest} at most, relative to {agreement['against']}"


def _row(record: dict[str, Any]) -> dict[str, Any]:
    shown = _shown(record)
    return {name: shown[name] for name in ("model", "device", "label", "p50", "p90", "valid")}
