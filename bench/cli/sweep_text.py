"""A sweep's cells and its answer, as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.cli.output import table
from bench.report.numbers import fixed, significant
from bench.sweep.task import KINDS
from depthbench.plural import counted

AXES = ("model", "size", "precision", "threads", "runtime", "device")
NAMES = {"delta1": "δ1", "delta2": "δ2", "delta3": "δ3", "mb": "MB", "rmse": "RMSE", "rel": "REL"}
UNITS = {"ms": " ms", "mb": " MB", "rmse": " m", "mae": " m"}
IN_WORDS = {"ms": "fastest", "mb": "smallest", "delta1": "most accurate by δ1"}


def planned(document: Mapping[str, Any], statuses: Sequence[str]) -> str:
    """The cells, what of each is done, and how many steps there are."""
    words = {"done before": "done", "waiting": "to do"}
    cells = document["cells"]
    used = [kind for kind in KINDS if any(kind in row["steps"] for row in cells)]
    rows = [
        {
            **_values(row),
            **{
                kind: words.get(status, status) if status else row["skipped"].get(kind, "-")
                for kind in used
                for status in [row["steps"].get(kind)]
            },
        }
        for row in cells
    ]
    done = statuses.count("done before")
    counts = f"{counted(len(rows), 'cell')}; {counted(len(statuses), 'distinct step')}"
    return f"{table(rows)}\n\n{counts}, {done} of them done before. Nothing was run."


def carried_out(document: Mapping[str, Any]) -> str:
    """The cells, what went wrong, what the figures are of, the answers, the files."""
    cells = document["cells"]
    right = ("ms", "δ1", "MB")
    wrong = [
        f"{row['state']}: {_label(row)}, {row['device']}: {'; '.join(row['why'])}"
        for row in cells
        if row["why"]
    ]
    return "\n".join(
        [
            table([_row(row) for row in cells], right=right),
            "",
            *_sources(cells),
            *wrong,
            *(_answer(one) for one in document["answers"]),
            *(f"written: {file}" for file in document["files"]),
        ]
    )


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    figures = row["figures"]
    accuracy = row.get("accuracy")
    scored = fixed(figures.get("delta1"), 4)
    if accuracy and accuracy["precision"] != row["precision"]:
        scored += f" ({accuracy['precision']})"
    return {
        **_values(row),
        "δ1": scored if accuracy else row["skipped"].get("score", "-"),
        "ms": _ms(row),
        "MB": fixed(figures.get("mb"), 2),
        "": row["state"],
    }


def _ms(row: Mapping[str, Any]) -> str:
    ms = significant(row["figures"].get("ms"))
    interval = row.get("interval_ms")
    return f"{ms} ({_span(interval)})" if interval else ms


def _sources(cells: list[Mapping[str, Any]]) -> list[str]:
    """One line for each way in which figures came about."""
    lines: dict[str, None] = {}
    for row in cells:
        if one := row.get("accuracy"):
            lines.setdefault(
                f"accuracy: {counted(one['images'], 'image')} of {one['data']}, split "
                f"{one['split']}, protocol {one['protocol']}"
            )
            if one["precision"] != row["precision"]:
                lines.setdefault(
                    f"accuracy of {row['precision']} is that of {one['precision']}: this machine "
                    f"has no {row['precision']} arithmetic"
                )
        if row.get("ms_of"):
            lines.setdefault(f"ms on {row['device']}: {row['ms_of']}")
        elif row.get("label"):
            lines.setdefault(f"no ms on {row['device']}: {row['label']}")
    return list(lines)


def _answer(answer: Mapping[str, Any]) -> str:
    asked = answer["asked"]
    limits = [f"{_figure(name)} at least {limit:g}" for name, limit in asked["at_least"].items()]
    limits += [f"{_figure(name)} at most {limit:g}" for name, limit in asked["at_most"].items()]
    within = f" with {' and '.join(limits)}" if limits else ""
    kind = IN_WORDS.get(asked["best"], f"best in {_figure(asked['best'])}")
    of = f" ({answer['ms_of']})" if answer["ms_of"] else ""
    head = f"{answer['device']}{of}, {kind}{within}"
    without = counted(answer["without"], "cell lacks", "cells lack")
    lacking = f"; {without} a figure for this" if answer["without"] else ""
    if best := answer["best"]:
        return f"{head}: {_found(best, asked)}{lacking}"
    if nearest := answer["nearest"]:
        missed = " and ".join(
            f"{_figure(one['figure'])} {_value(one['figure'], one['value'])} (asked "
            f"{one['limit']:g})"
            for one in answer["missed"]
        )
        told = "; ".join([f"{_label(nearest)}, which misses {missed}", *_doubts(nearest, asked)])
        return f"{head}: none. Nearest: {told}{lacking}"
    return f"{head}: none, as no cell has all these figures{lacking}"


def _found(row: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    names = dict.fromkeys([asked["best"], *asked["at_least"], *asked["at_most"]])
    told = [f"{_figure(name)} {_value(name, row['figures'][name])}" for name in names]
    return "; ".join([f"{_label(row)}: {', '.join(told)}", *_doubts(row, asked)])


def _doubts(row: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    """What keeps figures from being as good as they look."""
    accuracy, interval, limit = (
        row.get("accuracy"),
        row.get("interval_ms"),
        asked["at_most"].get("ms"),
    )
    doubts = []
    if accuracy and accuracy["precision"] != row["precision"]:
        doubts.append(f"its accuracy is that of {accuracy['precision']}")
    if interval and limit is not None and interval[0] <= limit < interval[1]:
        doubts.append(f"its interval, {_span(interval)} ms, holds the limit")
    return doubts


def _span(interval: Sequence[float]) -> str:
    return f"{significant(interval[0])} to {significant(interval[1])}"


def _figure(name: str) -> str:
    return NAMES.get(name, name)


def _value(name: str, value: float) -> str:
    return f"{value:.4f}{UNITS.get(name, '')}" if name not in ("ms", "mb") else significant(value)


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: row[key] for key in AXES}


def _label(row: Mapping[str, Any]) -> str:
    threads = counted(row["threads"], "thread")
    return f"{row['model']} {row['size']} {row['precision']}, {threads}, {row['runtime']}"
