"""Does what a plan names exist? All is looked at before anything is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.sweep.answer import FIGURES
from bench.sweep.plan.cells import Cell, expand
from bench.sweep.plan.faults import Faults, Place
from bench.sweep.plan.plan import ESTIMATED, HOST, Plan
from bench.sweep.plan.subjects import Subject, find_subjects
from depthbench.errors import InputError
from depthbench.suggest import did_you_mean


@dataclass(frozen=True)
class Checked:
    """A plan whose names are all known: its cells, and what its data sets are."""

    plan: Plan
    cells: list[Cell]
    data: str
    images: int
    calibration: str


def check_plan(plan: Plan, folder: Path, faults: Faults) -> Checked:
    """Look up all that a plan names; its files lie in `folder`. What is wrong goes to `faults`.

    A plan in which something is malformed has no cells.
    """
    unknown = _check_axes(plan, faults)
    data, images = _check_data(plan, faults)
    calibration = _check_calibration(plan, faults)
    _check_answer(plan, faults)
    subjects = find_subjects(plan.models, folder, faults)
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


def _check_data(plan: Plan, faults: Faults) -> tuple[str, int]:
    """What is scored on, and how many images of it there are."""
    from bench.accuracy.evaluate import default_data
    from depthnet.data import open_dataset
    from depthnet.data.splits import check_split
    from depthnet.scoring import protocols

    if plan.score is None:
        return "", 0
    score, data = plan.score, plan.score.data or default_data()
    if score.protocol is not None:
        _try(faults, ("score", "protocol"), lambda: protocols.get(score.protocol or ""))
    if not _try(faults, ("score", "split"), lambda: check_split(score.split)):
        return data, 0
    found = _try(faults, ("score", "data"), lambda: open_dataset(data, score.split, score.images))
    return data, len(found) if found else 0


def _check_calibration(plan: Plan, faults: Faults) -> str:
    """What is calibrated on."""
    from bench.accuracy.evaluate import default_data
    from depthnet.data import open_dataset
    from depthnet.scoring import protocols

    asked = plan.calibration
    data = asked.data or default_data()
    if "int8" in plan.precisions:
        _try(faults, ("calibration", "data"), lambda: open_dataset(data, "train"))
        _try(faults, ("calibration", "protocol"), lambda: protocols.get(asked.protocol))
    return data


def _check_answer(plan: Plan, faults: Faults) -> None:
    if plan.answer is None:
        return
    named: list[tuple[Place, str]] = [(("answer", "best"), plan.answer.best)]
    for limit in ("at_least", "at_most"):
        named += [(("answer", limit), name) for name in getattr(plan.answer, limit)]
    for place, name in named:
        if name not in FIGURES:
            faults.add(place, f"unknown figure {name!r}; {did_you_mean(name, FIGURES)}")


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
