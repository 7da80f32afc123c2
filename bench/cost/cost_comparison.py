"""One model on several runtimes on the emulated A76: outputs checked, instructions counted."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from bench.compile_service import compile_for
from bench.cost.inference_cost import KNOWN_ERROR, Cost, measure
from bench.cost.peer_cost import measure_peer
from bench.measure.agreement import compare as compare_outputs
from bench.measure.comparison import REFERENCE, precision_of
from bench.measure.measurement import LABELS
from bench.measure.runtime_comparison import compared, input_image
from bench.model_card import NOTHING, Asked, open_model
from bench.models import Model
from bench.peers.peer import (
    OURS,
    Setting,
    check_precision,
    choose,
    converted,
    tolerance_of,
    version_of,
)
from bench.peers.rows import Rows, check
from bench.records.provenance import git_state, tool_versions
from bench.runtimes.onnxruntime_cpu import OnnxRuntimeCpu
from depthbench import cancellation
from depthbench.progress import Progress

SCHEMA = "depthbench.cost_comparison/1"
DECIDED_BY = "est_cycles"
TARGET = "arm64-a76"


def compare_costs(
    what: str,
    out: Path,
    *,
    asked: Asked = NOTHING,
    runtimes: str = "all",
    progress: Progress = lambda line: None,
) -> dict[str, Any]:
    """Count one inference of the model `what` on each of the `runtimes`, on one thread.

    Each has a row in the model's precision and, for an fp32 model, one in fp16 if it has that: of
    instructions and estimated cycles, their ratios to those of the other rows (`against`), and the
    agreement with ONNX Runtime on this machine. The document also says which runtimes are `absent`
    (as of `compare_runtimes`) and which rows in another precision than the model's were `left_out`,
    each with the reason. Raises InputError for an unknown model or runtime, CheckFailed for one
    that computes something else, and what preparing or counting one raises where it was named.
    """
    names = choose(runtimes)
    model = open_model(what, out, asked, progress=progress)
    inputs = input_image(model, asked)
    expected = reference_outputs(model, inputs)
    precision, tolerance = precision_of(model)
    rows = Rows(model, named=runtimes != "all")
    counted: dict[str, dict[str, Any]] = {}
    ready = []
    for setting in rows.settings(names, precision):
        # what cannot be counted is found out before minutes are spent on the others
        with rows.trying(setting), tempfile.TemporaryDirectory(prefix="depthbench-") as scratch:
            if setting.runtime != OURS:
                check_precision(setting)
                converted(setting.runtime, model, Path(scratch), progress)
            ready.append(setting)
    for setting in ready:
        cancellation.check()
        if setting.runtime in rows.absent:
            continue
        limit = tolerance_of(setting, tolerance)
        with rows.trying(setting):
            if setting.runtime == OURS:
                row = _count_ours(setting, model, inputs, expected, limit, out, progress)
            else:
                row = count_peer(setting, model, inputs, expected, limit, progress)
            counted[setting.name] = row
    return {
        "schema": SCHEMA,
        **_conditions(),
        "reference": REFERENCE,
        "precision": precision,
        "threads": 1,
        "decided_by": DECIDED_BY,
        "runtimes": {
            name: {**_brief(row), "against": _ratios(row, counted, name)}
            for name, row in counted.items()
        },
        **rows.document(),
        **compared(model),
        "git": git_state(),
        "tools": tool_versions(),
    }


def count_peer(
    setting: Setting,
    model: Model,
    inputs: Mapping[str, NDArray],
    expected: Mapping[str, NDArray],
    tolerance: float,
    progress: Progress = lambda line: None,
) -> dict[str, Any]:
    """The row of a peer; of several outputs the first is compared.

    Raises what `measure_peer` and `row_of` raise.
    """
    cost, output = measure_peer(setting, model, inputs, progress)
    name, first = next(iter(expected.items()))
    if output.size == first.size:  # ncnn's have no batch
        output = output.reshape(first.shape)
    return row_of(setting, cost, {name: output}, {name: first}, tolerance)


def row_of(
    setting: Setting,
    cost: Cost,
    outputs: Mapping[str, NDArray],
    expected: Mapping[str, NDArray],
    tolerance: float,
) -> dict[str, Any]:
    """A cost with what it is of; CheckFailed unless the outputs are those `expected`."""
    agreement = compare_outputs(expected, outputs, REFERENCE, tolerance)
    check(setting, agreement)
    return {
        "precision": setting.precision,
        "threads": 1,
        "version": version_of(setting.runtime),
        "cost": cost.to_dict(),
        "agreement": agreement,
    }


def reference_outputs(model: Model, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
    """ONNX Runtime's outputs, on this machine, in the precision of the file."""
    with OnnxRuntimeCpu(model.path) as runtime:
        return runtime.run(inputs)


def _count_ours(
    setting: Setting,
    model: Model,
    inputs: Mapping[str, NDArray],
    expected: Mapping[str, NDArray],
    tolerance: float,
    out: Path,
    progress: Progress,
) -> dict[str, Any]:
    artefact = compile_for(
        str(model.path), TARGET, out, precision=setting.precision, progress=progress
    )
    cost, outputs = measure(artefact, inputs, progress)
    return row_of(setting, cost, outputs, expected, tolerance)


def _brief(row: Mapping[str, Any]) -> dict[str, Any]:
    """Without the shares of kernels, which are `benchmarks/a76_cost.py`'s."""
    cost = {name: value for name, value in row["cost"].items() if name != "kernels"}
    return {**row, "cost": cost}


def _ratios(
    row: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]], name: str
) -> dict[str, dict[str, float]]:
    return {
        other: {
            figure: row["cost"][figure] / theirs["cost"][figure]
            for figure in (DECIDED_BY, "instructions")
        }
        for other, theirs in rows.items()
        if other != name
    }


def _conditions() -> dict[str, Any]:
    from android_rpc.devices.emulated import (
        CPU_MODEL,
        EmulatedPhone,
        emulator_version,
        find_emulator,
    )

    return {
        "label": LABELS["emulated cost"],
        "device": {"name": EmulatedPhone.name, "emulated": True},
        "conditions": {
            "cpu_model": CPU_MODEL,
            "emulator": emulator_version(find_emulator()),
            "note": KNOWN_ERROR,
        },
    }
