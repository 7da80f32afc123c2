"""Validity rules: whether a figure may be used as what its kind says it is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from bench.measure.device_rules import reasons_of_device
from bench.measure.sampling_plan import FULL, Sampling
from bench.stats.warm_up import warm_up_excess
from depthbench.plural import counted

Kind = Literal["latency", "emulated cost", "unknown time"]


@dataclass(frozen=True)
class Rules:
    """The limits beyond which a figure is not believed.

    `session_spread`: between the largest and smallest session median, relative to the smallest.
    `cv`: of all samples. `clock_change`: of any core, before to after, relative to before, and
    between sessions. `temperature_c`: of the battery, at which phones begin to throttle.
    `difference`: between the outputs and the reference's, the largest relative to the largest
    reference value, where the comparison has no `tolerance` of its own. `warm_up`: of the median
    of a session's first samples, those that are not yet like the rest, above the rest's.
    """

    sampling: Sampling = FULL
    session_spread: float = 0.05
    cv: float = 0.10
    clock_change: float = 0.05
    temperature_c: float = 37.0
    difference: float = 1e-4
    warm_up: float = 0.05


RULES = Rules()


@dataclass(frozen=True)
class Verdict:
    """`valid`, or the `reasons` why not: each one line with the figure and its limit."""

    valid: bool
    reasons: list[str] = field(default_factory=list)


def judge(
    kind: Kind,
    sessions_ms: Sequence[Sequence[float]],
    asked: Sampling,
    agreement: Mapping[str, Any],
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    timed: Sequence[Mapping[str, Sequence[float]]] = (),
    target: str | None = None,
    quick: bool = False,
    stopped: str = "",
    rules: Rules = RULES,
) -> Verdict:
    """Judge whether samples may be used as what `kind` says they are.

    For every kind: the samples asked for were taken, each is positive and finite, and the
    outputs agree with the reference's, which is not constant. A latency must also obey the
    rules of amount (unless few samples were meant, `quick`), of noise, of clocks and of
    temperature; the other kinds claim no latency, so they do not apply to them.

    `agreement` is what `bench.measure.agreement.compare` returns. `before` and `after` are the
    device's conditions, of which what it tells is judged, and `timed` its clocks while it was
    timed, a session each; see `device_rules`. `target` is the name of the artefact's target.
    `stopped` says what ended the measurement early, if anything did.
    """
    reasons = [stopped] if stopped else []
    reasons += _amount_taken(sessions_ms, asked)
    reasons += _agreement(agreement, rules)
    if kind == "latency":
        if not quick:
            reasons += _amount_asked(asked, rules.sampling)
        reasons += _noise(sessions_ms, rules)
        reasons += _warm_up(sessions_ms, rules)
        reasons += reasons_of_device(
            before or {}, after or {}, timed, target, rules.clock_change, rules.temperature_c
        )
    return Verdict(not reasons, reasons)


def _amount_taken(sessions_ms: Sequence[Sequence[float]], asked: Sampling) -> list[str]:
    reasons = []
    complete = sum(len(session) >= asked.samples for session in sessions_ms)
    if complete < asked.sessions:
        taken = sum(map(len, sessions_ms))
        reasons.append(
            f"{taken} of {counted(asked.samples * asked.sessions, 'sample')} were taken, in "
            f"{complete} of {counted(asked.sessions, 'session')} all"
        )
    wrong = sum(not _is_time(sample) for session in sessions_ms for sample in session)
    if wrong:
        no_times = ("sample is not a positive finite time", "samples are not positive finite times")
        reasons.append(counted(wrong, *no_times))
    return reasons


def _is_time(sample: float) -> bool:
    return math.isfinite(sample) and sample > 0


def _amount_asked(asked: Sampling, least: Sampling) -> list[str]:
    if asked.covers(least):
        return []
    return [
        f"{counted(asked.warmup, 'warm-up')}, {counted(asked.samples, 'sample')} and "
        f"{asked.seconds:g} s in {counted(asked.sessions, 'session')} were asked for: the rule is "
        f"{least.warmup}, {least.samples} "
        f"and {least.seconds:g} s in {least.sessions}"
    ]


def _agreement(agreement: Mapping[str, Any], rules: Rules) -> list[str]:
    reference = agreement.get("against", "the reference")
    difference = agreement.get("max_relative_difference")
    limit = agreement.get("tolerance", rules.difference)
    reasons = []
    if difference is None:
        problem = agreement.get("problem")
        seen = f": {problem}" if problem else ""
        reasons.append(f"the outputs could not be compared with those of {reference}{seen}")
    elif not difference <= limit:
        reasons.append(
            f"the outputs differ from those of {reference} by {difference:.1e} relative "
            f"(limit {limit:.0e})"
        )
    if not agreement.get("reference_std"):
        reasons.append(f"the output of {reference} is constant, so that agreeing means nothing")
    return reasons


def _noise(sessions_ms: Sequence[Sequence[float]], rules: Rules) -> list[str]:
    times = [[sample for sample in session if _is_time(sample)] for session in sessions_ms]
    times = [session for session in times if session]
    samples = np.concatenate(times) if times else np.empty(0)
    if samples.size < 2:
        return ["fewer than two samples: the noise is unknown"]
    reasons = []
    medians = [float(np.median(session)) for session in times]
    spread = max(medians) / min(medians) - 1
    if spread > rules.session_spread:
        reasons.append(f"session medians are {spread:.1%} apart (limit {rules.session_spread:.0%})")
    cv = float(samples.std(ddof=1) / samples.mean())
    if cv > rules.cv:
        reasons.append(f"the coefficient of variation is {cv:.1%} (limit {rules.cv:.0%})")
    return reasons


def _warm_up(sessions_ms: Sequence[Sequence[float]], rules: Rules) -> list[str]:
    reasons = []
    for number, session in enumerate(sessions_ms, start=1):
        length, excess = warm_up_excess([sample for sample in session if _is_time(sample)])
        if excess > rules.warm_up:
            reasons.append(
                f"the first {length} samples of session {number} are {excess:.1%} above the rest "
                f"(limit {rules.warm_up:.0%}): ask for more warm-ups"
            )
    return reasons
