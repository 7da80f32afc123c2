"""The files that a check leaves for a CI server, whether it ends well or not."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from depthbench import cancellation
from depthbench.errors import InputError

if TYPE_CHECKING:
    from bench.gates.figure import Figure


@dataclass
class CheckReport:
    """What a check has found up to now; `about` are sentences on what was checked."""

    title: str
    figures: list[Figure] = field(default_factory=list)
    about: list[str] = field(default_factory=list)


@contextmanager
def check_report(
    title: str, junit: Path | None, summary: Path | None, others: Collection[Path | None] = ()
) -> Iterator[CheckReport]:
    """A report for the block to fill, which goes to `junit` as XML and to `summary` as Markdown.

    Where the block raises, they say so beside what was found before. Raises InputError, before
    the block begins, for a file that cannot be written, or that the check reads: one of `others`.
    """
    paths = [path for path in (junit, summary) if path is not None]
    for path in paths:
        _check_place(path)
    real = [path.resolve() for path in (*paths, *filter(None, others))]
    for path in paths:
        if real.count(path.resolve()) > 1:
            raise InputError(f"{path} is named twice", advice="give every file a name of its own")
    report, start = CheckReport(title), time.monotonic()
    try:
        yield report
    except Exception as error:
        if not cancellation.cancelled():
            _write(report, junit, summary, time.monotonic() - start, _words(error))
        raise
    _write(report, junit, summary, time.monotonic() - start)


def _check_place(path: Path) -> None:
    folder = path.parent
    if not folder.is_dir():
        raise InputError(f"{path}: there is no folder {folder}", advice="make it, or name another")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise InputError(f"{path} cannot be written", advice="name another file")


def _write(
    report: CheckReport,
    junit: Path | None,
    summary: Path | None,
    seconds: float,
    error: str | None = None,
) -> None:
    from bench.gates.check_summary import check_summary
    from bench.gates.junit import junit_xml
    from depthbench.files import write_whole

    if junit is not None:
        write_whole(junit, junit_xml(report.title, report.figures, seconds, error))
    if summary is not None:
        text = check_summary(report.title, report.figures, report.about, error)
        write_whole(summary, text.encode(errors="replace"))


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
