"""Do random ONNX models compile, and agree with ONNX Runtime on other inputs than the check's?

python benchmarks/random_operators.py [--models N] [--seed S] [--first N] [--only OP] [--keep DIR]
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import click
from random_models.draw import Draw, Drawer
from random_models.judge import AGREED, INTERNAL, KINDS, REFUSED, Verdict, Way, draw_model, judge
from random_models.operators import GRAPH, OPERATORS, drawer_of
from random_models.workers import run_forked

from bench import cli
from compile import targets

# How the models that are compiled for the host in fp32 are not all.
SHARES = (
    (0.10, Way(threads=2)),
    (0.06, Way("arm64-a76")),
    (0.06, Way("arm64-a76", "fp16")),
    (0.04, Way("arm64-a76", "int8")),
)
SECONDS, GIGABYTES = 120, 12


@click.command()
@click.option("--models", default=100, show_default=True, help="How many to draw.")
@click.option("--first", default=0, show_default=True, help="The number of the first of them.")
@click.option("--seed", default=0, show_default=True, help="Another one draws others.")
@click.option("--minutes", type=float, help="Draw no more after so long.")
@click.option("--only", default="", help="Only this operator, or `graph`.")
@click.option("--keep", type=click.Path(path_type=Path), help="A folder for what fails.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(
    models: int,
    first: int,
    seed: int,
    minutes: float | None,
    only: str,
    keep: Path | None,
    as_json: bool,
) -> None:
    """Draw models of one operator, and of three to eight, and judge what they compile to.

    A fifth of the models are graphs. A model that ONNX Runtime cannot run is drawn again.
    """
    import tvm  # noqa: F401 - once, not in every process

    if only and only not in (*OPERATORS, GRAPH):
        raise click.BadParameter(f"{only!r} is none of {', '.join(OPERATORS)}, {GRAPH}")
    began = time.monotonic()
    verdicts = []
    tasks = [(seed, number, only) for number in range(first, first + models)]
    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder) / "drawn.onnx"
        trial = partial(_try, drawn=drawn)
        done = run_forked(trial, tasks, seconds=SECONDS, gigabytes=GIGABYTES)
        for task, verdict, problem in done:
            if problem:
                operator, _, way = _choices(task)
                kind = INTERNAL if drawn.exists() else ""
                verdict = Verdict(task[1], operator, kind, problem, way)
            verdicts.append(verdict)
            if minutes and time.monotonic() - began > 60 * minutes:
                break
            if keep and verdict.kind not in ("", AGREED, REFUSED):
                keep.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(drawn, keep / f"{verdict.operator}-{seed}-{task[1]}.onnx")
    document = _document(verdicts, time.monotonic() - began)
    click.echo(json.dumps(document) if as_json else _text(document))


def _try(task: tuple[int, int, str], drawn: Path) -> Verdict:
    """Draw a model into the file `drawn`, and judge it."""
    operator, drawer, way = _choices(task)
    drawn.unlink(missing_ok=True)
    content, redrawn = draw_model(operator, drawer, task[:2])
    if content is None:
        return Verdict(task[1], operator, "", "", way, redrawn)
    drawn.write_bytes(content)
    kind, why = judge(content, way)
    return Verdict(task[1], operator, kind, why, way, redrawn)


def _choices(task: tuple[int, int, str]) -> tuple[str, Drawer, Way]:
    seed, number, only = task
    draw = Draw((seed, number))
    names = [only] if only else [*OPERATORS] + [GRAPH] * (len(OPERATORS) // 4)
    operator = draw.one_of(names)
    point, way = float(draw.random.random()), Way()
    for share, one in SHARES:
        if 0 <= point < share:
            way = one
        point -= share
    return operator, drawer_of(operator), way


def _document(verdicts: list[Verdict], seconds: float) -> dict[str, Any]:
    found: dict[str, Any] = {
        "models": sum(bool(one.kind) for one in verdicts),
        **{kind: sum(one.kind == kind for one in verdicts) for kind in KINDS},
        "drawn_again": sum(one.redrawn for one in verdicts),
        "seconds": round(seconds),
        "processor": targets.get("host").processor,
    }
    for kind in KINDS[1:]:
        counted = Counter(
            (one.operator, _without_names(one.why)) for one in verdicts if one.kind == kind
        )
        first = {(one.operator, _without_names(one.why)): one for one in reversed(verdicts)}
        found[f"{kind}, why"] = [
            {
                "operator": key[0],
                "count": count,
                "number": first[key].number,
                "way": str(first[key].way),
                "why": first[key].why,
            }
            for key, count in counted.most_common()
        ]
    never = {one.operator for one in verdicts if not one.kind} - {
        one.operator for one in verdicts if one.kind
    }
    found["never_drawn"] = sorted(never)
    return found


def _without_names(why: str) -> str:
    """The sentence without names and numbers, to count those that are alike."""
    return re.sub(r"'[^']*'|[\d.+e-]*\d", "_", why)


def _text(document: dict[str, Any]) -> str:
    lines = [
        f"{kind}: {one['operator']} ({one['count']}, number {one['number']}; {one['way']}): "
        f"{one['why']}"
        for kind in KINDS[1:]
        for one in document[f"{kind}, why"]
    ]
    if document["never_drawn"]:
        lines.append(f"never drawn: {', '.join(document['never_drawn'])}")
    counts = ", ".join(f"{kind} {document[kind]}" for kind in KINDS)
    lines.append(
        f"{document['models']} models: {counts}; {document['drawn_again']} draws were no model; "
        f"{document['seconds']} s on {document['processor']}"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    cli.main(command=main)
