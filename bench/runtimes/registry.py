"""The runtimes by name: every module of this package that declares a `RUNTIME` is one."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import bench.runtimes
from bench.models import Model
from bench.runtimes.base import Runtime
from bench.runtimes.declaration import Declaration, Preparation
from depthbench.errors import InputError
from depthbench.progress import Progress
from depthbench.suggest import did_you_mean


@dataclass(frozen=True)
class Prepared:
    """What a runtime loads, in its own format: a file, or an artefact's folder."""

    name: str
    file: Path
    threads: int


@cache
def declarations() -> Mapping[str, Declaration]:
    """Every runtime's declaration by its name, in alphabetical order; loads none of them."""
    modules = (
        importlib.import_module(f"{bench.runtimes.__name__}.{module.name}")
        for module in pkgutil.iter_modules(bench.runtimes.__path__)
    )
    found: list[Declaration] = [m.RUNTIME for m in modules if hasattr(m, "RUNTIME")]
    return {one.name: one for one in sorted(found, key=lambda one: one.name)}


def find(name: str) -> Declaration:
    """The runtime called `name`; raises InputError where there is none."""
    try:
        return declarations()[name]
    except KeyError:
        raise InputError(
            f"unknown runtime '{name}'", advice=did_you_mean(name, declarations())
        ) from None


def choose(which: str) -> list[str]:
    """The runtimes that `which` names: `all`, or names with commas; raises InputError."""
    if which == "all":
        return list(declarations())
    asked = [name.strip() for name in which.split(",") if name.strip()]
    if not asked:
        raise InputError(
            "no runtime is named", advice=f"give all, or some of {','.join(declarations())}"
        )
    return list(dict.fromkeys(find(name).name for name in asked))


def open_runtime(
    name: str, model: Model, out: Path, *, threads: int = 1, precision: str | None = None
) -> Runtime:
    """Prepare `model` for the runtime called `name` and load it into this process.

    Raises what `prepare` and `load` raise.
    """
    return load(prepare(name, model, out, threads=threads, precision=precision))


def prepare(
    name: str,
    model: Model,
    out: Path,
    *,
    threads: int = 1,
    precision: str | None = None,
    progress: Progress = lambda line: None,
) -> Prepared:
    """Convert `model` for the runtime called `name`, where that takes no ONNX.

    Raises InputError where the model cannot be had in that form, or not in its precision,
    ToolMissing where what makes it is not installed, and CheckFailed where what was made of it
    computes something else.
    """
    runtime = find(name)
    if model.quantised and "int8" not in runtime.precisions:
        able = [one.name for one in declarations().values() if "int8" in one.precisions]
        raise InputError(
            f"{name} does not run {model.file} in int8",
            advice=f"of a quantised model that is done by {', '.join(able)}",
        )
    file = model.path
    if runtime.convert:
        file = runtime.convert(model, Preparation(out, threads, precision, progress))
    return Prepared(name, file.absolute(), threads)


def load(prepared: Prepared) -> Runtime:
    """Load a prepared model into this process, to run on as many threads as it was prepared for.

    Raises InputError where the runtime does not take it, ToolMissing where it is not installed.
    """
    return find(prepared.name).load(prepared.file, threads=prepared.threads)
