"""How far a sweep is, on stderr: a live table on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.cli.command_groups import current_settings
from bench.cli.progress import status
from bench.sweep.sweep import Show, State, Status
from bench.sweep.task import KINDS
from depthbench.plural import counted
from depthbench.progress import Progress

if TYPE_CHECKING:
    from rich.console import RenderableType

COLUMNS: tuple[Status, ...] = ("done", "done before", "running", "waiting", "failed", "not tried")


@contextmanager
def display() -> Iterator[tuple[Show, Progress]]:
    """What shows the state of a sweep, and what shows a line of a measurement."""
    if current_settings().verbose or not sys.stderr.isatty():
        with status() as say:
            yield lambda state: say(_line(state)), say
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), transient=True, refresh_per_second=4) as live:
        last = State({})

        def show(state: State, line: str = "") -> None:
            nonlocal last
            last = state
            live.update(_table(state, line))

        yield show, lambda line: show(last, line)


def _line(state: State) -> str:
    count = Counter(state.status.values())
    ended = count["done"] + count["done before"]
    failed = f", {count['failed']} failed" if count["failed"] else ""
    doing = "".join(f"; {line}" for line in _doing(state))
    return f"{ended} of {counted(len(state.status), 'step')} done{failed}{doing}"


def _doing(state: State) -> list[str]:
    found = []
    for key, line in state.under_way.items():
        task = state.tasks[key]
        where, _, what = line.partition(": ")
        name = task.settings.get("name") or _name(state, key)
        found.append(f"{where}: {task.kind} {name}{f': {what}' if what else ''}")
    return found


def _name(state: State, key: str) -> str:
    """That of the model which a task is of, in its precision where that is of the task."""
    task = state.tasks[key]
    first = task
    while first.inputs:
        first = state.tasks[first.inputs[0]]
    of = next((state.tasks[one] for one in task.inputs if state.tasks[one].kind == "compile"), task)
    return f"{first.settings['name']} {of.settings.get('precision', '')}".strip()


def _table(state: State, line: str) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table("step", box=None, pad_edge=False)
    for name in COLUMNS:
        table.add_column(name, justify="right")
    for kind in KINDS:
        count = Counter(
            status for key, status in state.status.items() if state.tasks[key].kind == kind
        )
        if not count:
            continue
        table.add_row(kind, *(str(count[name]) if count[name] else "" for name in COLUMNS))
    lines = [Text(one, no_wrap=True, overflow="ellipsis") for one in [*_doing(state), line] if one]
    return Group(table, *lines)
