"""What the commands share: options, output, progress."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from depthbench.progress import Progress

OUT = Path("out")

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document on stdout."
)
out_option = click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=OUT,
    show_default=True,
    help="Folder for models, artefacts and records.",
)


def emit(document: Any, as_json: bool, text: str | Callable[[], str]) -> None:
    """Print a result on stdout: the document as JSON, or the text for people."""
    if as_json:
        click.echo(json.dumps(document, indent=2, allow_nan=False))
    else:
        click.echo(text() if callable(text) else text)


def table(rows: list[Mapping[str, Any]]) -> str:
    """Rows as an aligned plain-text table."""
    from tabulate import tabulate

    return tabulate(rows, headers="keys", floatfmt=".4g", missingval="-")


def key_values(values: Mapping[str, Any]) -> str:
    """One `name  value` line each, aligned."""
    width = max(map(len, values))
    return "\n".join(f"{key:<{width}}  {_short(value)}" for key, value in values.items())


def _short(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def default_device() -> str:
    """The device to use when none is named; says on stderr which, and why."""
    from android_rpc.adb import discovery

    device, why = discovery.default_device()
    click.echo(f"depthbench: --device {device}: {why}", err=True)
    return device


@contextmanager
def status() -> Iterator[Progress]:
    """Show the latest line of progress on a terminal; silent elsewhere."""
    if not sys.stderr.isatty():
        yield lambda line: None
        return
    from rich.console import Console

    with Console(stderr=True).status("") as spinner:
        yield spinner.update


@contextmanager
def counter(label: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a progress bar with the time left on a terminal; silent elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(label, total=total)
        yield lambda: progress.advance(task)
