"""Does what a plan names exist? All is looked at before anything is run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.records.schema import METRICS
from bench.sweep.answer import FIGURES, HIGHER_IS_BETTER
from bench.sweep.data_content import Data, content_of, whole_name
from bench.sweep.plan.cells import Cell, expand
from bench.sweep.plan.faults import Faults, Place
from bench.sweep.plan.plan import ESTIMATED, HOST, Plan
from bench.sweep.plan.subjects import Subject, find_subjects
from depthbench.errors import InputError
from depthbench.suggest import did_you_mean

NO_DATA = Data("", None)


@dataclass(frozen=True)
class Checked:
    """A plan whose names are all known: its cells, and what its data sets are.

    `images` are those that are scored, `calibration` is what int8 models are calibrated on.
    """

    plan: Plan
    cells: list[Cell]
    data: Data
    images: int
    calibration: Data


def check_plan(plan: Plan, folder: Path, faults: Faults) -> Checked:
    """Look up all that a plan names; what is wrong goes to `faults`.

    Its files lie in `folder`, but for those that an option names, which lie where this runs.

    A plan in which something is malformed has no cells.
    """
    unknown = _check_axes(plan, faults)
    data, images = _check_data(plan, folder, faults)
    calibration = _check_calibration(plan, folder, faults)
    _check_answer(plan, faults)
    of_models = Path() if faults.by_option(("models",)) else folder
    subjects = find_subjects(plan.models, of_models, faults)
    _check_scored(plan, subjects, faults)
    _check_sizes(plan, subjects, faults)
    cells = expand(plan, subjects, faults, unknown) if not faults.malformed else []
    return Checked(plan, cells, data, images, calibration)


def _check_axes(plan: Plan, faults: Faults) -> set[tuple[str, int]]:
    """The values, by axis and number, that nobody knows."""
    from android_rpc.devices.factory import device_forms, find_kind
    from bench.cost.memory.core import CORES
    from bench.runtimes import registry
    from compile import precision

    def device(name: str) -> Any:
        if name in (ESTIMATED, HOST):
            return name
        try:
            return find_kind(name)
        except InputError as error:
            forms = ", ".join([ESTIMATED, HOST, *device_forms()])
            near = did_you_mean(name, [ESTIMATED, HOST], error.advice)
            raise InputError(error.message, advice=f"{near} (there are {forms})") from error

    def core(name: str) -> None:
        if name not in CORES:
            raise InputError(f"unknown core {name!r}", advice=did_you_mean(name, CORES))

    axes: dict[str, Callable[[str], Any]] = {
        "precisions": precision.get,
        "runtimes": registry.find,
        "devices": device,
    }
    _try(faults, ("estimate", "core"), lambda: core(plan.estimate.core))
    return {
        (axis, number)
        for axis, look_up in axes.items()
        for number, name in enumerate(getattr(plan, axis))
        if not _try(faults, (axis, number), partial(look_up, name))
    }


def _check_sizes(plan: Plan, subjects: Mapping[int, Subject], faults: Faults) -> None:
    for number, size in enumerate(plan.sizes):
        for subject in subjects.values():
            _try(faults, ("sizes", number), partial(subject.size, size))


def _check_data(plan: Plan, folder: Path, faults: Faults) -> tuple[Data, int]:
    """What is scored on, and how many images of it there are."""
    from depthnet.data.splits import check_split
    from depthnet.scoring import protocols

    score = plan.score
    if score is None:
        return NO_DATA, 0
    if score.protocol is not None:
        _try(faults, ("score", "protocol"), lambda: protocols.get(score.protocol or ""))
    if not _try(faults, ("score", "split"), lambda: check_split(score.split)):
        return NO_DATA, 0
    return _find_data(("score", "data"), score.data, (score.split, score.images), folder, faults)


def _check_calibration(plan: Plan, folder: Path, faults: Faults) -> Data:
    from depthnet.scoring import protocols

    asked = plan.calibration
    if "int8" not in plan.precisions:
        return NO_DATA
    _try(faults, ("calibration", "protocol"), lambda: protocols.get(asked.protocol))
    return _find_data(("calibration", "data"), asked.data, ("train", None), folder, faults)[0]


def _find_data(
    place: Place,
    asked: str | None,
    part: tuple[str, int | None],
    folder: Path,
    faults: Faults,
) -> tuple[Data, int]:
    """A data set, and how many images its `part` has: a split, and how many of it at most."""
    from bench.accuracy.evaluate import default_data
    from depthnet.data import open_dataset

    named = whole_name(asked or default_data(), Path() if faults.by_option(place) else folder)
    found = _try(faults, place, lambda: open_dataset(named, *part))
    if not found:
        return NO_DATA, 0
    try:
        return Data(named, content_of(named)), len(found)
    except OSError as error:
        faults.add(place, f"{error.filename}: {error.strerror}")
        return NO_DATA, 0


def _check_answer(plan: Plan, faults: Faults) -> None:
    if plan.answer is None:
        return
    named: list[tuple[Place, str]] = [(("answer", "best"), plan.answer.best)]
    for limit in ("at_least", "at_most"):
        named += [(("answer", limit), name) for name in getattr(plan.answer, limit)]
    for place, name in named:
        if name not in FIGURES:
            faults.add(place, f"unknown figure {name!r}; {did_you_mean(name, FIGURES)}")
        elif plan.score is None and name in METRICS:
            faults.add(place, f"{name} is not known where nothing is scored")
    for limit in ("at_least", "at_most"):
        for name, value in getattr(plan.answer, limit).items():
            most = 1.0 if HIGHER_IS_BETTER.get(name) else math.inf
            if not 0 <= value <= most:
                reach = "from 0 to 1" if most == 1 else "0 or more"
                faults.add(("answer", limit), f"{name} is never {value:g}, but {reach}")
    for name, least in plan.answer.at_least.items():
        most = plan.answer.at_most.get(name, least)
        if least > most:
            faults.add(("answer", "at_least"), f"{name} {least:g} is above at_most, {most:g}")


def _check_scored(plan: Plan, subjects: Mapping[int, Subject], faults: Faults) -> None:
    """Whether a file gives depth, and the protocol compares what it gives."""
    from depthnet.scoring import protocols

    if plan.score is None:
        return
    for number, subject in subjects.items():
        model = _try(faults, ("models", number), subject.depth_model)
        if model and plan.score.protocol in protocols.PROTOCOLS:
            rule = protocols.get(plan.score.protocol)
            _try(faults, ("models", number), partial(rule.space, model.card.meaning))


def _try(faults: Faults, place: Place, look_up: Callable[[], Any]) -> Any:
    """What is looked up; None, and a fault, where that raises InputError."""
    try:
        return look_up()
    except InputError as error:
        faults.note(place, error)
        return None
