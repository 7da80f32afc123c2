"""How far a training is, on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from depthnet.training.progress import Moment


@contextmanager
def display(shown: bool) -> Iterator[tuple[Callable[[str], None], Callable[[Moment], None]]]:
    """A line of status, then a bar with the loss and the time left; silent off a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}"))
    visible = shown and console.is_terminal
    with Progress(*columns, console=console, disable=not visible, transient=True) as progress:
        task = progress.add_task("", total=None, left="")

        def say(line: str) -> None:
            progress.update(task, description=line)

        def advance(moment: Moment) -> None:
            progress.update(
                task,
                description=f"epoch {moment.epoch}/{moment.epochs}, loss {moment.loss:.3g}",
                completed=moment.done,
                total=moment.total,
                left=f"{moment.images_per_s:.1f} images/s, "
                f"{timedelta(seconds=round(moment.seconds_left))} left",
            )

        yield say, advance
