"""What a command is doing, on stderr: live on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from bench.cli.command_groups import current_settings
from depthbench.progress import Progress

EVERY_S = 10.0


@contextmanager
def status() -> Iterator[Progress]:
    """Show the latest line of progress: all of them with -v, one every 10 s off a terminal."""
    if current_settings().verbose:
        start = time.monotonic()
        yield lambda line: _say(line, start)
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.markup import escape

        with Console(stderr=True).status("") as spinner:
            yield lambda line: spinner.update(escape(line))
    else:
        with _ticker() as show:
            yield show


@contextmanager
def counter(label: str, total: int) -> Iterator[Callable[[], None]]:
    """Show how many of `total` are done and, on a terminal, the time left."""
    if current_settings().verbose or not sys.stderr.isatty():
        done = 0
        with status() as show:

            def count() -> None:
                nonlocal done
                done += 1
                show(f"{label}: {done} of {total}")

            yield count
        return
    from rich import progress as bars
    from rich.console import Console

    columns = (
        "{task.description}",
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TimeRemainingColumn(),
    )
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=total)
        yield lambda: progress.advance(task)


@contextmanager
def _ticker() -> Iterator[Progress]:
    """Every 10 s, print the latest line, if it is new, and the time since the start."""
    start, latest, ended = time.monotonic(), "", threading.Event()

    def tell() -> None:
        told = ""
        while not ended.wait(EVERY_S):
            if latest != told:
                told = latest
                _say(told, start)

    def show(line: str) -> None:
        nonlocal latest
        latest = line

    thread = threading.Thread(target=tell, daemon=True, name="progress")
    thread.start()
    try:
        yield show
    finally:
        ended.set()
        thread.join()


def _say(line: str, start: float) -> None:
    click.echo(f"[{time.monotonic() - start:6.1f} s] {line}", err=True)
