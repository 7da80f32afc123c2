"""How fast is an artefact for this machine beside ONNX Runtime, and what takes its time?"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

from compile.check import random_inputs
from compile.reference import Reference
from compile.schedules.kernel_work import operators_of

if TYPE_CHECKING:
    from compile.onnx.checked_model import Model
    from compile.runtime.executable import Machine

# An artefact is slow that takes so many times ONNX Runtime's time, unless that is no time at all.
SLOW = 2.0
NOTICEABLE_S = 1e-4
LEAST_ROUNDS, MOST_ROUNDS, LONG_ENOUGH_S = 3, 15, 0.1
# Of what is slow, the operators are named that together take this share, and no more than so many.
NAMED_SHARE, MOST_NAMED = 0.8, 3
Clock = Callable[[], float]


def relative_speed(model: Model, machine: Machine) -> dict[str, Any]:
    """The ratio of the medians of both on one thread, interleaved, in CPU time.

    Above SLOW, `slowest` names the operators that take the most of the artefact's time, with their
    shares of it.
    """
    inputs = random_inputs(model.inputs)
    arrays = [inputs[port.name] for port in model.inputs]
    reference = Reference(model)
    ours, theirs = interleaved(lambda: machine.run(arrays), lambda: reference.run(inputs))
    ratio = median(ours) / max(median(theirs), 1e-9)
    slow = ratio > SLOW and median(ours) > NOTICEABLE_S
    return {
        "against": "ONNX Runtime",
        "rounds": len(ours),
        "ratio": ratio,
        "slowest": slowest(machine.call_times(arrays, LEAST_ROUNDS)) if slow else [],
    }


def interleaved(
    first: Callable[[], object], second: Callable[[], object], clock: Clock = time.thread_time
) -> tuple[list[float], list[float]]:
    """Seconds of both in turn, after a run of each that does not count.

    LEAST_ROUNDS of them, and more, up to MOST_ROUNDS, while both together took less than
    LONG_ENOUGH_S.
    """
    times: tuple[list[float], list[float]] = ([], [])
    for run in (first, second):
        run()
    while len(times[0]) < MOST_ROUNDS:
        for run, taken in zip((first, second), times, strict=True):
            begin = clock()
            run()
            taken.append(clock() - begin)
        if len(times[0]) >= LEAST_ROUNDS and sum(map(sum, times)) >= LONG_ENOUGH_S:
            break
    return times


def slowest(inferences: Sequence[Sequence[tuple[str, float]]]) -> list[dict[str, Any]]:
    """The operators that take the most time, by the seconds of each call in some inferences."""
    totals: defaultdict[str, float] = defaultdict(float)
    for calls in inferences:
        for name, seconds in calls:
            if not name.startswith("vm."):
                totals[operators_of(name)] += seconds
    whole = sum(totals.values()) or 1.0
    found: list[dict[str, Any]] = []
    costliest = sorted(totals.items(), key=lambda total: -total[1])
    for operators, seconds in costliest[:MOST_NAMED]:
        if sum(one["share"] for one in found) < NAMED_SHARE:
            found.append({"operators": operators, "share": seconds / whole})
    return found
