"""A check as Markdown, as GitHub shows it below a run."""

from __future__ import annotations

from collections.abc import Sequence

from bench.gates.figure import Figure, verdict_of
from bench.report.escape import escape
from depthbench.plural import counted

MOST_ROWS = 40


def check_summary(
    title: str,
    figures: Sequence[Figure],
    about: Sequence[str] = (),
    error: str | None = None,
) -> str:
    """Verdict, table and reasons; of many figures of accuracy only those that are not good.

    `about` says in sentences what was checked, and against which baseline.
    """
    verdict = "not finished" if error is not None else verdict_of(figures)
    lines = [f"## depthbench check {escape(title)}", "", f"**{escape(verdict)}**", ""]
    if error is not None:
        lines += [escape(error), ""]
    for sentence in about:
        lines += [escape(sentence), ""]
    few = len(figures) <= MOST_ROWS
    shown = [one for one in figures if few or one.gate != "accuracy" or one.verdict != "good"]
    if shown:
        lines += [*_table(shown), ""]
    if len(shown) < len(figures):
        hidden = len(figures) - len(shown)
        lines += [f"{counted(hidden, 'more figure is', 'more figures are')} good.", ""]
    for figure in figures:
        if figure.why:
            lines.append(f"- {escape(_name(figure))}: {escape(figure.why)}")
    return "\n".join(lines).rstrip() + "\n"


def _table(figures: Sequence[Figure]) -> list[str]:
    several = len({figure.subject for figure in figures if figure.gate == "accuracy"}) > 1
    rows = [{"model": figure.subject} | figure.cells() for figure in figures]
    columns = [column for column in rows[0] if several or column != "model"]
    numbers = ("was", "now", "change", "allowed")
    marks = [" ---: " if column in numbers else " --- " for column in columns]
    lines = [_row(columns), f"|{'|'.join(marks)}|"]
    for figure, row in zip(figures, rows, strict=True):
        cells = [escape(row[column]) for column in columns]
        lines.append(_row([f"**{cell}**" for cell in cells] if figure.failed else cells))
    return lines


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _name(figure: Figure) -> str:
    return f"{figure.gate}, {figure.subject}, {figure.name}"
