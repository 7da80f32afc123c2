"""`depthbench phone`: what concerns the phone itself."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from bench.cli.command_groups import HelpfulGroup
from bench.cli.options import json_option
from bench.cli.output import emit, table
from bench.cli.parameter_types import DEVICE
from bench.cli.progress import status

DEVICE_MISSING = 3


@click.group(name="phone", cls=HelpfulGroup)
def command() -> None:
    """Examine a phone or a board."""


@command.command(name="doctor")
@click.option(
    "--device",
    type=DEVICE,
    default="adb",
    show_default=True,
    help="adb, adb:SERIAL, ssh:USER@HOST or local.",
)
@json_option
def doctor(device: str, as_json: bool) -> int:
    """Check what a phone or a board needs to be measured, and say what to do.

    The exit code is 3 when a check fails; warnings do not count.
    """
    from android_rpc.doctor.doctor import examine, is_fit

    with status() as progress:
        checks = examine(device, progress)
    fit = is_fit(checks)
    rows: list[dict[str, Any]] = [asdict(check) for check in checks]
    document = {"device": device, "fit": fit, "checks": rows}
    emit(
        document, as_json, lambda: table([{**row, "advice": row["advice"] or "-"} for row in rows])
    )
    return 0 if fit else DEVICE_MISSING
