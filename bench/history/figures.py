"""Which figures a record has, what they are of, and how far each may move by itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.gates.accuracy_gate import LARGER_IS_BETTER, METRIC_TOLERANCES
from bench.gates.instruction_gate import TOLERANCE
from bench.records.comparability import CONDITIONS, SUBJECT, Path, find, measurement
from bench.records.record import Record
from bench.records.schema import TIMED
from bench.report.numbers import ABSENT, fixed, number, significant
from bench.report.wording import conditions_in_short, core, depth_subject, device
from depthbench.plural import counted


@dataclass(frozen=True)
class Figure:
    """One number of a record, at `path`, shown as `factor` times it with `decimals`.

    `allowed` is how far it may move before that is a jump: as it is, or `relative` to what it was;
    None where a gate decides, or nothing does. Without `decimals` it has three significant digits.
    """

    key: str
    name: str
    unit: str
    path: Path
    factor: float = 1.0
    decimals: int | None = None
    allowed: float | None = None
    relative: bool = True
    larger_is_better: bool = False
    interval: tuple[Path, Path] | None = None

    def value(self, record: Record) -> float | None:
        """The number, as the record has it; None where it has none that is finite."""
        return number(find(record, self.path))

    def bounds(self, record: Record) -> list[float] | None:
        """The ends of its interval; None where the record has none."""
        if self.interval is None:
            return None
        ends = [number(find(record, path)) for path in self.interval]
        known = [end for end in ends if end is not None]
        return known if len(known) == len(ends) else None

    def show(self, value: float | None) -> str:
        """The number with its unit, for people; a dash where there is none."""
        if value is None:
            return ABSENT
        shown = value * self.factor
        digits = significant(shown) if self.decimals is None else fixed(shown, self.decimals)
        return f"{digits} {self.unit}".strip()

    def show_change(self, was: float, now: float) -> str:
        """How far it moved, with its sign: in percent where that is what is judged."""
        if self.relative and not was:
            return ABSENT
        moved = now / was - 1 if self.relative else now - was
        digits = f"{moved:+.1%}" if self.relative else f"{moved:+.{self.decimals}f}"
        if not digits.strip("+-0.%"):
            return "0"
        return digits if self.relative else f"{digits} {self.unit}".strip()


@dataclass(frozen=True)
class Topic:
    """Figures that records of some kinds have, of which the first is the one that is drawn large.

    Records whose `identify` is equal are on one line; `describe` says in words what that is, and
    then the details. Of something `timed`, invalid records are no figures; `of_artefact` is what
    no measurement changes.
    """

    name: str
    kinds: tuple[str, ...]
    figures: tuple[Figure, ...]
    identify: Callable[[Record], Mapping[str, Any]]
    describe: Callable[[Record], tuple[str, str]]
    timed: bool = False
    of_artefact: bool = False


def _metric(key: str, name: str, unit: str = "") -> Figure:
    return Figure(
        key,
        name,
        unit,
        (key,),
        decimals=3,
        allowed=METRIC_TOLERANCES[key],
        relative=False,
        larger_is_better=key in LARGER_IS_BETTER,
    )


def _error(key: str, name: str) -> Figure:
    return Figure(
        key, name, "m", (key,), decimals=3, allowed=METRIC_TOLERANCES["mae"], relative=False
    )


def _share(key: str, name: str) -> Figure:
    return Figure(key, name, "%", (key,), factor=100, decimals=2, allowed=STEADY)


def _scored(record: Record) -> tuple[str, str]:
    precision = find(record, CONDITIONS["precision"])
    told = [record["runtime"], *([precision] if precision else []), record["weights"]]
    where = f"{record['data']}, {record['split']}, {counted(record['images'], 'image')}"
    return f"protocol {record['protocol']}: {where}", ", ".join(map(str, told))


def _counted(record: Record) -> Mapping[str, Any]:
    """Whatever core the time is estimated for, the instructions are the same."""
    return {**measurement(record), "device": record["device"]["name"]}


def _estimated(record: Record) -> Mapping[str, Any]:
    told = {name: find(record, ("estimate", name)) for name in ("core", "clock_ghz")}
    return {**_counted(record), **told}


def _clocked(record: Record) -> Mapping[str, Any]:
    """As the report tells measurements apart, and as the gate does."""
    of_gate = {name: find(record, path) for name, path in {**SUBJECT, **CONDITIONS}.items()}
    return {**measurement(record), **of_gate, "device": record["device"]}


def _timed(record: Record) -> tuple[str, str]:
    quick = ", a quick look" if record["quick"] and record["kind"] == "latency" else ""
    told = [conditions_in_short(record), record.get("runtime")]
    return f"{device(record)}{quick}", ", ".join(str(one) for one in told if one)


def _compiled(record: Record) -> Mapping[str, Any]:
    conditions = {name: find(record, CONDITIONS[name]) for name in ("precision", "threads")}
    return {"target": record["target"], **conditions}


def _distances(record: Record) -> Mapping[str, Any]:
    """Errors of other distances, or of another fit, are no later figures of these."""
    told = ("picture", "x", "y", "right", "bottom", "metres")
    points = [[point.get(name) for name in told] for point in record["measured"]]
    digest = hashlib.sha256(json.dumps(points).encode()).hexdigest()
    return {**measurement(record), "fitted": record["fitted"], "points": digest[:12]}


def _followed(record: Record) -> Mapping[str, Any]:
    return {**measurement(record), "share_of": record["share_of"]}


EMULATORS_TIME = "emulator's time"
STEADY = 0.01
"""How much figures of depth may move by rounding, as on another machine, and more."""

TOPICS = (
    Topic(
        "accuracy",
        ("accuracy",),
        (_metric("delta1", "δ1"), _metric("rmse", "RMSE", "m"), _metric("rel", "REL")),
        measurement,
        _scored,
    ),
    Topic(
        "calibration",
        ("calibration",),
        (
            _error("left_out_mae_m", "error of a point left out"),
            _error("mae_m", "error of the fitted points"),
            Figure("scale", "scale", "", ("scale",), allowed=STEADY),
        ),
        _distances,
        lambda record: (depth_subject(record), f"{record['fitted']} fitted"),
    ),
    Topic(
        "flicker",
        ("flicker",),
        (_share("flicker", "frame to frame"), _share("flicker_p95", "a pair of twenty")),
        _followed,
        lambda record: (depth_subject(record), f"of {record['share_of']}, {record['runtime']}"),
    ),
    Topic(
        "latency",
        ("latency",),
        (Figure("p50_ms", "p50", "ms", ("p50_ms",)),),
        _clocked,
        _timed,
        timed=True,
    ),
    Topic(
        "estimated time",
        ("cost",),
        (
            Figure(
                *("estimated_ms", "estimated", "ms", ("estimate", "milliseconds")),
                allowed=TOLERANCE,
                interval=(("estimate", "low_ms"), ("estimate", "high_ms")),
            ),
        ),
        _estimated,
        lambda record: (conditions_in_short(record), core(record)),
    ),
    Topic(
        "instructions",
        ("cost",),
        (
            Figure(
                *("instructions", "instructions", "M", ("instructions",)),
                factor=1e-6,
                decimals=1,
                allowed=TOLERANCE,
            ),
        ),
        _counted,
        lambda record: (conditions_in_short(record), "of one inference"),
    ),
    Topic(
        "artefact size",
        (*TIMED, "cost"),
        (
            Figure(
                *("artefact_bytes", "size", "MB", ("artefact_bytes",)),
                factor=1e-6,
                decimals=2,
                allowed=TOLERANCE,
            ),
        ),
        _compiled,
        lambda record: (conditions_in_short(record), ""),
        of_artefact=True,
    ),
    Topic(
        EMULATORS_TIME,
        ("emulated cost", "unknown time"),
        (Figure("p50_ms", "emulator's p50", "ms", ("p50_ms",)),),
        _clocked,
        _timed,
        timed=True,
    ),
)
