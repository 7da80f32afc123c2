"""A sweep's plan: what is combined with what, from a TOML file, options, or both."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    PlainValidator,
    ValidationError,
)

from bench.sweep.plan.faults import Faults
from depthbench.suggest import did_you_mean
from depthnet.zoo import FLAGSHIP

OWN = "own"
SIZE_FORMS = "own, an edge, or height and width: 224, [192, 256] or as an option 192x256"
ESTIMATED = "estimated"
HOST = "host"


def _as_entry(value: Any) -> Any:
    if isinstance(value, str):
        return {"model": value}
    if not isinstance(value, dict):
        raise ValueError("write a network's name, a file, or {model = FILE, card = CARD}")
    return value


def _as_size(value: Any) -> tuple[int, int] | None:
    edges = value if isinstance(value, list) else [value, value]
    if value == OWN:
        return None
    if len(edges) != 2 or any(type(edge) is not int or edge < 2 for edge in edges):
        raise ValueError(f"write {SIZE_FORMS}")
    return edges[0], edges[1]


def _as_excluded_size(value: Any) -> tuple[int, int] | str | None:
    return OWN if value == OWN else _as_size(value)


def _as_table(value: Any) -> Any:
    return {} if value is True else None if value is False else value


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ModelEntry(_Table):
    """A network's name, an ONNX file or one of weights; how an ONNX file is used: its card."""

    model: str
    card: str | None = None


class Score(_Table):
    """What accuracy is scored on; by default as by `eval`, on all images."""

    data: str | None = None
    split: str = "test"
    protocol: str | None = None
    images: Annotated[int | None, Field(ge=1)] = None


class Calibration(_Table):
    """What int8 models are calibrated on; by default as by `quantise`."""

    data: str | None = None
    images: Annotated[int, Field(ge=1)] = 100
    protocol: str = "eigen"


class Estimate(_Table):
    """Whose Cortex-A76 milliseconds are estimated for."""

    core: str = "pi5"
    clock_ghz: Annotated[FiniteFloat | None, Field(ge=0.2, le=5.0)] = None


class Measure(_Table):
    """How much is timed: `quick` on devices, so many `rounds` on this machine."""

    quick: bool = False
    rounds: Annotated[int, Field(ge=3)] = 60


class Answer(_Table):
    """Which cell is looked for: the `best` in one figure, within limits of others."""

    best: str = "ms"
    at_least: dict[str, FiniteFloat] = {}
    at_most: dict[str, FiniteFloat] = {}


NEUTRAL: dict[str, Any] = {
    **{"models": FLAGSHIP, "sizes": OWN, "precisions": "fp32"},
    **{"threads": 1, "runtimes": "tvm", "devices": ESTIMATED},
}
"""An entry of each axis with which nothing is wrong."""

Size = Annotated[tuple[int, int] | None, PlainValidator(_as_size)]
"""Height and width; None for the model's own."""

Count = Annotated[int, Field(ge=1)]


class Exclusion(_Table):
    """Cells that are left out: those that have all of these values."""

    model: str | None = None
    size: Annotated[tuple[int, int] | str | None, PlainValidator(_as_excluded_size)] = None
    precision: str | None = None
    threads: int | None = None
    runtime: str | None = None
    device: str | None = None


class Plan(_Table):
    """Axes, whose product are the cells, and what is done with each cell."""

    models: Annotated[list[Annotated[ModelEntry, BeforeValidator(_as_entry)]], Field(min_length=1)]
    sizes: Annotated[list[Size], Field(min_length=1)] = [None]
    precisions: Annotated[list[str], Field(min_length=1)] = ["fp32"]
    threads: Annotated[list[Count], Field(min_length=1)] = [1]
    runtimes: Annotated[list[str], Field(min_length=1)] = ["tvm"]
    devices: Annotated[list[str], Field(min_length=1)] = [ESTIMATED]
    score: Annotated[Score | None, BeforeValidator(_as_table)] = Score()
    calibration: Calibration = Calibration()
    estimate: Estimate = Estimate()
    measure: Measure = Measure()
    answer: Answer | None = None
    exclude: list[Exclusion] = []


def read_plan(
    path: Path | None, given: Mapping[str, Any], options: Mapping[str, str]
) -> tuple[Plan | None, Faults]:
    """The plan of a TOML file with what is `given` in place of its keys, and its faults of form.

    Without a file all is given; `options` are what the keys given are called on the command line.
    What has the wrong form is left out of the plan, so that the rest can be looked at too. There is
    no plan where nothing is left.
    """
    faults = Faults(path, options=options)
    values: dict[str, Any] = {}
    if path is not None:
        try:
            faults.text = path.read_text(encoding="utf-8-sig")
            values = tomllib.loads(faults.text)
        except FileNotFoundError:
            faults.add((), "no such file; give a plan in TOML")
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            faults.add((), f"not TOML: {error}")
        except RecursionError:
            faults.add((), "not a plan: lists within lists without end")
    if faults.found:
        return None, faults
    for key, value in given.items():
        inner = values.get(key)
        both = isinstance(value, dict) and isinstance(inner, dict)
        values[key] = {**inner, **value} if both and inner else value
    values = json.loads(json.dumps(values, default=str))
    try:
        return _validate(values), faults
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)
    for one in wrong:
        _add(faults, one["type"], one["loc"], one["msg"])
        _leave_out(values, one["loc"])
        faults.malformed.add(one["loc"][:2])
    try:
        return _validate(values), faults
    except ValidationError:
        return None, faults


def _validate(values: Mapping[str, Any]) -> Plan:
    return Plan.model_validate_json(json.dumps(values))


def _leave_out(values: dict[str, Any], loc: Sequence[int | str]) -> None:
    """Take out what is at `loc`; in place of an entry comes one with which nothing is wrong."""
    match list(loc):
        case [str(axis), int(number), *_] if axis in NEUTRAL:
            values[axis][number] = NEUTRAL[axis]
        case [str(table), str(key), *_] if isinstance(values.get(table), dict):
            values[table].pop(key, None)
        case [str(key), *_]:
            values.pop(key, None)


def _add(faults: Faults, kind: str, loc: Sequence[int | str], message: str) -> None:
    place = tuple(loc)
    if kind == "extra_forbidden":
        known: dict[str, type[_Table]] = {
            **{"models": ModelEntry, "score": Score, "calibration": Calibration},
            **{"estimate": Estimate, "measure": Measure, "answer": Answer, "exclude": Exclusion},
        }
        table = known.get(str(place[0]) if len(place) > 1 else "", Plan)
        faults.add(place, f"no such key; {did_you_mean(str(place[-1]), table.model_fields)}")
    elif kind == "missing":
        faults.add(place, "is missing")
    elif kind == "too_short" and len(place) == 1:
        faults.add(place, "is empty, so that there is no cell; name at least one")
    elif kind == "list_type":
        faults.add(place, 'write a list: ["one", "another"] or [1, 2]')
    else:
        told = message.removeprefix("Value error, ").removeprefix("Input ")
        faults.add(place, told[:1].lower() + told[1:])
