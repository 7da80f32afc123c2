"""Results on stdout: JSON for programs, tables and sentences for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

ABSENT = "-"
PLAIN_WIDTH = 250
"""Columns of a table where stdout is no terminal."""


def emit(document: Any, as_json: bool, text: str | Callable[[], str]) -> None:
    """Print a result on stdout: the document as JSON, or the text for people."""
    if as_json:
        click.echo(json.dumps(document, indent=2, allow_nan=False))
    else:
        click.echo(text() if callable(text) else text)


def note(message: str) -> None:
    """Tell on stderr what a person should know, and is no error."""
    click.echo(f"note: {message}", err=True)


def warn(message: str) -> None:
    """Tell on stderr what a person should look at."""
    click.echo(f"warning: {message}", err=True)


def render(*parts: RenderableType) -> str:
    """What rich draws of the parts, as wide as the terminal and in its colours, if it is one."""
    from rich.console import Console

    terminal = sys.stdout.isatty()
    console = Console(
        width=None if terminal else PLAIN_WIDTH, force_terminal=terminal, highlight=False
    )
    with console.capture() as captured:
        for part in parts:
            console.print(part)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def table(rows: Sequence[Mapping[str, Any]], *, right: Collection[str] = ()) -> str:
    """Rows as a table whose columns are their keys; numbers, and the columns `right`, stand right.

    A float has four significant digits, None is a dash.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    for name in columns:
        numbers = all(isinstance(row.get(name), int | float | None) for row in rows)
        justify = "right" if numbers or name in right else "left"
        drawn.add_column(Text(name), justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        drawn.add_row(*(Text(_cell(row.get(name))) for name in columns))
    return render(drawn)


def key_values(values: Mapping[str, Any]) -> str:
    """One `name  value` line each, aligned; a float has four decimals."""
    width = max(map(len, values))
    shown = {
        key: f"{value:.4f}" if isinstance(value, float) else _cell(value)
        for key, value in values.items()
    }
    return "\n".join(f"{key:<{width}}  {value}" for key, value in shown.items())


def _cell(value: Any) -> str:
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
