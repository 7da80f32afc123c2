"""One model on several runtimes on the emulated A76: outputs checked, instructions counted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.compile_service import compile_for
from bench.cost.cost_rows import CountedModel, Row, able, reference_outputs
from bench.cost.inference_cost import CYCLES_NOTE
from bench.measure.comparison import REFERENCE, precision_of
from bench.measure.measurement import LABELS
from bench.measure.runtime_comparison import compared, input_image
from bench.model_card import NOTHING, Asked, open_model
from bench.peers.peer import OURS, choose, tolerance_of
from bench.peers.rows import Rows
from bench.records.provenance import git_state, tool_versions
from depthbench import cancellation
from depthbench.progress import Progress

SCHEMA = "depthbench.cost_comparison/1"
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
    subject = CountedModel(model, inputs, reference_outputs(model, inputs), progress=progress)
    precision, tolerance = precision_of(model)
    rows = Rows(model, named=runtimes != "all")
    counted: dict[str, Row] = {}
    for setting in able(rows.settings(names, precision), model, rows, progress):
        cancellation.check()
        if setting.runtime in rows.absent:
            continue
        limit = tolerance_of(setting, tolerance)
        with rows.trying(setting):
            if setting.runtime == OURS:
                artefact = compile_for(
                    str(model.path), TARGET, out, precision=setting.precision, progress=progress
                )
                counted[setting.name] = subject.count_ours(setting, artefact, limit)
            else:
                counted[setting.name] = subject.count_peer(setting, limit)
    return {
        "schema": SCHEMA,
        **_conditions(),
        "reference": REFERENCE,
        "precision": precision,
        "threads": 1,
        "decided_by": _decided_by(counted),
        "runtimes": {
            name: {**_brief(row), "against": _ratios(row, counted, name)}
            for name, row in counted.items()
        },
        **rows.document(),
        **compared(model),
        "git": git_state(),
        "tools": tool_versions(),
    }


def _brief(row: Mapping[str, Any]) -> dict[str, Any]:
    """Without the shares of kernels, which `depthbench cost` tells."""
    cost = {name: value for name, value in row["cost"].items() if name != "kernels"}
    return {**row, "cost": cost}


def _decided_by(rows: Mapping[str, Row]) -> str:
    """The time, where it is estimated of all."""
    return "est_ms" if all(row["estimate"] for row in rows.values()) else "est_cycles"


def _ratios(row: Row, rows: Mapping[str, Row], name: str) -> dict[str, dict[str, float]]:
    ours = _figures(row)
    return {
        other: {
            figure: ours[figure] / of_it
            for figure, of_it in _figures(theirs).items()
            if figure in ours
        }
        for other, theirs in rows.items()
        if other != name
    }


def _figures(row: Row) -> dict[str, float]:
    figures = {name: row["cost"][name] for name in ("est_cycles", "instructions")}
    return {**figures, **({"est_ms": row["estimate"]["milliseconds"]} if row["estimate"] else {})}


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
            "note": CYCLES_NOTE,
        },
    }
