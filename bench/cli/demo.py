"""`depthbench demo`: depth live from a camera, in a browser, until Ctrl-C."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.card_options import card_options
from bench.cli.options import (
    FLAGSHIP,
    RECORDS,
    cores_option,
    fov_option,
    json_option,
    out_option,
    precision_option,
    record_option,
    threads_option,
)
from bench.cli.output import emit, note, warn
from bench.cli.parameter_types import DEVICE, MODEL
from bench.cli.progress import status
from bench.cli.unused_options import refuse_unused
from bench.model_card import Asked
from depthbench.errors import DeviceError

if TYPE_CHECKING:
    from android_rpc.demo.running_demo import RunningDemo
    from depthbench.progress import Progress

LISTEN_S = 1.0


@click.command(name="demo")
@click.argument("models", nargs=-1, type=MODEL, metavar="[MODEL]...")
@click.option(
    "--device",
    type=DEVICE,
    help="host (this machine), adb, adb:SERIAL, ssh:USER@HOST, local or emulated.  "
    "[default: the phone that is ready, else local, else host]",
)
@cores_option
@threads_option
@precision_option
@card_options()
@click.option("--here", is_flag=True, help="See a phone's demo in this machine's browser.")
@click.option("--no-open", is_flag=True, help="Open no browser.")
@fov_option
@record_option
@out_option
@json_option
def command(
    models: tuple[str, ...],
    device: str | None,
    cores: str | None,
    threads: int,
    precision: str | None,
    asked: Asked,
    here: bool,
    no_open: bool,
    fov: float | None,
    records: Path | None,
    out: Path,
    as_json: bool,
) -> None:
    """Depth live from a camera, computed on a device, seen in a browser, until Ctrl-C.

    MODEL is a network's name or an .onnx file; by default the flagship. The page shows frames per
    second and the forward time, runs the paper's benchmark of 300 forwards, and keeps it as a
    record. On a phone it opens in the phone's own browser, with the phone's camera.
    """
    from android_rpc.demo.start_demo import HOST, start_demo
    from android_rpc.telemetry.topology import parse_core_list
    from bench.demo.browser import open_page, runs_on_a_phone
    from bench.demo.device_choice import default_device, platform_of
    from bench.package_service import package_for

    if device is None:
        device, why = default_device()
        note(f"{device} is used: {why}")
    if device == HOST:
        advice = "cores are chosen on the page"
        refuse_unused(["--cores", "--here"], "the demo is on this machine", advice=advice)
    into = records or out / RECORDS
    with ExitStack() as stack:
        chosen = tuple(dict.fromkeys(models or (FLAGSHIP,)))
        with status() as progress:
            _tell_focal(chosen, out, asked, fov, progress)
            packages = [
                package_for(
                    model,
                    platform_of(device),
                    out,
                    precision=precision,
                    threads=threads,
                    asked=asked,
                    needs_image=True,
                    progress=progress,
                )
                for model in chosen
            ]
            demo = stack.enter_context(
                start_demo(
                    device,
                    [package.library for package in packages],
                    browser_here=here,
                    cores=parse_core_list(cores) if cores else None,
                    field_of_view=fov,
                    progress=progress,
                )
            )
        document = {
            "url": demo.url,
            "device": device,
            "libraries": [str(package.library.absolute()) for package in packages],
            "records": str(into),
        }
        seen_on = HOST if here else device
        where = "on the phone" if runs_on_a_phone(seen_on) else "in a browser here"
        emit(document, as_json, f"{demo.url}\nis the demo, to be opened {where}; Ctrl-C ends it")
        if not no_open and (why_not := open_page(seen_on, demo.url)):
            note(why_not)
        _keep_records(demo, device, into)


def _tell_focal(
    models: Sequence[str], out: Path, asked: Asked, fov: float | None, progress: Progress
) -> None:
    """Say or refuse what the camera's focal length does to the depth of these models."""
    from bench.package_service import focal_of

    known = [model for model in models if focal_of(model, out, asked, progress)]
    if not known:
        refuse_unused(["--fov"], "no MODEL was calibrated at a focal length")
    elif fov is None:
        note(
            f"{', '.join(known)}: the camera's focal length is not known: taken as that of the "
            "calibration's pictures; --fov DEGREES says it"
        )


def _keep_records(demo: RunningDemo, device: str, into: Path) -> None:
    """Append what the page keeps, until the server ends or Ctrl-C."""
    from bench.demo.demo_record import demo_record
    from bench.records.record import append_record

    while True:
        event = demo.next_event(LISTEN_S)
        if event and event["event"] == "record":
            try:
                record = demo_record(event, device)
            except DeviceError as error:  # of a library that a person uploaded
                warn(error.message)
                continue
            append_record(into, record)
            note(f"a benchmark of {record['model']} was appended to {into}")
