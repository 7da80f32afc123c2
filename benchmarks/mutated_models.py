"""Does `depthbench compile` answer a harmed ONNX file in one line, whatever was done to it?

python benchmarks/mutated_models.py [--files N] [--minutes M] [--seed S] [--keep DIR] [--json]
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from random_models.draw import Draw
from random_models.judge import draw_model
from random_models.mutations import MUTATIONS
from random_models.operators import GRAPH, OPERATORS, drawer_of
from random_models.workers import run_forked

from bench import cli
from compile import targets
from depthbench.one_line import one_line

GOOD, FAILED, REFUSED = "exit 0", "exit 1", "exit 2"
INTERNAL, DIED, LINES, GREW = "internal error", "died or hung", "more than one line", "grew"
KINDS = (GOOD, FAILED, REFUSED, INTERNAL, DIED, LINES, GREW)
BAD = KINDS[3:]
SECONDS, GIGABYTES, GROWTH_GB = 60, 16, 3.0
# Few good files, so that most of the time goes into harming them.
SOURCES = 60
SOURCE_SEED = 15


@click.command()
@click.option("--files", default=100, show_default=True, help="How many to harm.")
@click.option("--minutes", type=float, help="Harm no more after so long.")
@click.option("--seed", default=0, show_default=True, help="Another one harms otherwise.")
@click.option("--keep", type=click.Path(path_type=Path), help="A folder for bad answers.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(files: int, minutes: float | None, seed: int, keep: Path | None, as_json: bool) -> None:
    """Harm good models in every way and compile them, in a process of limited time and memory.

    Exit 0 (the file is still good), 1 and 2 with one line are good answers.
    """
    import tvm  # noqa: F401 - once, not in every process

    import compile.pipeline  # noqa: F401

    began = time.monotonic()
    counts: Counter[str] = Counter()
    bad: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = [content for number in range(SOURCES) if (content := _source(number))]
        trial = partial(_try, sources=sources, folder=folder)
        tasks = [(seed, number) for number in range(files)]
        for task, answer, problem in run_forked(trial, tasks, seconds=SECONDS, gigabytes=GIGABYTES):
            kind, line = answer or (DIED, problem)
            counts[kind] += 1
            if kind in BAD:
                bad.append({"file": task[1], "kind": kind, "mutation": _named(task), "why": line})
                if keep:
                    kept = keep / f"{seed}-{task[1]}"
                    shutil.copytree(folder / "model", kept, dirs_exist_ok=True)
            if minutes and time.monotonic() - began > 60 * minutes:
                break
    document = {
        "files": counts.total(),
        **{kind: counts[kind] for kind in KINDS},
        "seconds": round(time.monotonic() - began),
        "processor": targets.get("host").processor,
        "bad": bad,
    }
    click.echo(json.dumps(document) if as_json else _text(document))


def _source(number: int) -> bytes | None:
    draw = Draw((SOURCE_SEED, number))
    operator = draw.one_of([*OPERATORS]) if number % 4 else GRAPH
    content, _ = draw_model(operator, drawer_of(operator), (SOURCE_SEED, number))
    return content


def _mutation(task: tuple[int, int]) -> tuple[np.random.Generator, Any]:
    random = np.random.default_rng(task)
    return random, MUTATIONS[random.integers(0, len(MUTATIONS))]


def _named(task: tuple[int, int]) -> str:
    return str(_mutation(task)[1].__name__)


def _try(task: tuple[int, int], sources: list[bytes], folder: Path) -> tuple[str, str]:
    """One of `KINDS`, and what was said."""
    random, mutation = _mutation(task)
    for name in ("model", "out"):
        shutil.rmtree(folder / name, ignore_errors=True)
    model = folder / "model"
    model.mkdir()
    content = sources[random.integers(0, len(sources))]
    (model / "model.onnx").write_bytes(mutation(random, content, model))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    arguments = ["compile", str(model / "model.onnx"), "--target", "host"]
    code, said = _run([*arguments, "-o", str(folder / "out")], folder / "said")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20
    said = "".join(line for line in said.splitlines(True) if not _is_note(line))
    lines = said.splitlines()
    if "internal error" in said:
        return INTERNAL, one_line(said)
    if grown > GROWTH_GB:
        return GREW, f"{grown:.1f} GB more"
    if code not in (0, 1, 2):
        return DIED, f"exit {code}: {one_line(said)}"
    if len(lines) != (1 if code else 0):
        return LINES, said[-500:]
    return f"exit {code}", one_line(said)


def _is_note(line: str) -> bool:
    """A warning of ours, or how far a step of more than a few seconds has come."""
    return line.startswith(("warning: ", "[  "))


def _run(arguments: list[str], said: Path) -> tuple[int, str]:
    """The exit code of a command and what it, or a library, wrote to standard error."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - as long as the process
    descriptor = os.open(said, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    sys.stderr = os.fdopen(os.dup(2), "w")
    code = cli.run(arguments)
    sys.stderr.flush()
    return code, said.read_text(errors="replace")


def _text(document: dict[str, Any]) -> str:
    lines = [
        f"{one['kind']}: file {one['file']}, {one['mutation']}: {one['why']}"
        for one in document["bad"]
    ]
    counts = ", ".join(f"{kind} {document[kind]}" for kind in KINDS)
    lines.append(
        f"{document['files']} files: {counts}; {document['seconds']} s on {document['processor']}"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    cli.main(command=main)
