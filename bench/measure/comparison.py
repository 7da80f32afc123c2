"""Several runtimes on one model: outputs checked first, then timed in one interleaved loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from bench.measure.agreement import agrees
from bench.measure.agreement import compare as compare_outputs
from bench.measure.interleaving import ROUNDS, WARM_UPS, interleave
from bench.measure.validity import RULES
from bench.models import Model
from bench.runtimes.base import Runtime
from bench.stats.ratio_ci import paired_ratio
from bench.stats.statistics import summarise
from depthbench import cancellation
from depthbench.errors import CheckFailed, InputError, RuntimeLost
from depthbench.progress import Progress

SCHEMA = "depthbench.comparison/1"
REFERENCE = "onnxruntime"


def precision_of(model: Model) -> tuple[str, float]:
    """The precision that a model is compared in, and how far outputs may differ in it.

    As far as artefacts may: where the file quantises, or its own numbers are fp16, twice what ONNX
    Runtime's results vary by, where that is more than fp16's hundredth.
    """
    from compile.check import allowed_difference
    from compile.onnx import checked_model, model_file
    from compile.onnx.widening import widen
    from compile.precision import FP32, INT8

    name = INT8.name if model.quantised else FP32.name
    if not model.quantised and not widen(model_file.read(model.path).proto):
        return name, FP32.tolerance
    shapes = {port["name"]: port["shape"] for port in model.fixed_inputs}
    try:
        return name, allowed_difference(checked_model.load_model(model.path, shapes))
    except InputError:  # a model for other runtimes alone
        return name, INT8.tolerance


def how_wrong(name: str, agreement: Mapping[str, Any]) -> str:
    """By how much a runtime's outputs differ, or why they could not be compared."""
    if agreement["problem"]:
        return f"{name}: {agreement['problem']}"
    return f"{name} by {agreement['max_relative_difference']:.2g}"


def compare(
    runtimes: Mapping[str, Runtime],
    inputs: Mapping[str, NDArray],
    *,
    reference: str = REFERENCE,
    rounds: int = ROUNDS,
    threads: int = 1,
    tolerance: float = RULES.difference,
    progress: Progress = lambda line: None,
) -> dict[str, Any]:
    """Compare loaded runtimes on the same inputs.

    Every output is checked against that of the runtime `reference` first, within `tolerance`. For
    each runtime: `agreement`, `wall_ms` and `cpu_ms` with their statistics, all `samples`, and
    `against`, by peer, the ratio of the medians of `decided_by`: CPU time for one thread, which
    what else the machine does leaves alone, and the clock's for more `threads`. Those that crash
    or hang are `lost`, each with its reason, and the others go on. Raises CheckFailed, naming them,
    when outputs do not agree, and RuntimeLost when the reference has none.
    """
    lost: dict[str, str] = {}
    outputs = {}
    for name, runtime in runtimes.items():
        cancellation.check()
        progress(f"comparing outputs: {name}")
        try:
            outputs[name] = {key: value.copy() for key, value in runtime.run(inputs).items()}
        except RuntimeLost as error:
            lost[name] = str(error)
    if reference not in outputs:
        raise RuntimeLost(f"no outputs to compare with: {lost[reference]}")
    agreements = {
        name: compare_outputs(outputs[reference], output, reference, tolerance)
        for name, output in outputs.items()
    }
    if problem := agreements[reference]["problem"]:
        raise CheckFailed(f"nothing to compare with: {problem}; nothing timed")
    wrong = [how_wrong(name, found) for name, found in agreements.items() if not agrees(found)]
    if wrong:
        raise CheckFailed(f"outputs differ from {reference}'s: {', '.join(wrong)}; nothing timed")
    agreed = {name: runtimes[name] for name in outputs}
    found = time_agreed(agreed, agreements, inputs, rounds, threads, lost, progress)
    return {"schema": SCHEMA, "reference": reference, **found, "lost": lost}


def time_agreed(
    runtimes: Mapping[str, Runtime],
    agreements: Mapping[str, Mapping[str, Any]],
    inputs: Mapping[str, NDArray],
    rounds: int,
    threads: int,
    lost: dict[str, str],
    progress: Progress = lambda line: None,
    warm_ups: int = WARM_UPS,
) -> dict[str, Any]:
    """What `compare` says of runtimes whose outputs agree; those that are lost go into `lost`."""
    samplers = {name: one.sampler(inputs, threads > 1) for name, one in runtimes.items()}
    times = interleave(samplers, rounds=rounds, warm_ups=warm_ups, lost=lost, progress=progress)
    decided_by = "cpu_ms" if threads == 1 else "wall_ms"
    return {
        "rounds": rounds,
        "threads": threads,
        "decided_by": decided_by,
        "runtimes": {
            name: {
                **runtimes[name].describe(),
                "agreement": agreements[name],
                "wall_ms": summarise(taken.wall_ms),
                "cpu_ms": summarise(taken.cpu_ms),
                "samples": {"wall_ms": taken.wall_ms, "cpu_ms": taken.cpu_ms},
                "against": {
                    peer: paired_ratio(getattr(taken, decided_by), getattr(times[peer], decided_by))
                    for peer in times
                    if peer != name
                },
            }
            for name, taken in times.items()
        },
    }
