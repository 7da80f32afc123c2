"""Does the code for the phone take as many instructions as it did when it was last found good?

A slow-down of the compiler's code shows here to the instruction, on any machine, without a phone.
What instructions do not show, waiting for memory above all, does not show here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.gates.baseline import RESTORE, WRITE, heading, read_document
from bench.model_card import NOTHING, Asked
from depthbench.errors import CheckFailed, InputError, ToolMissing
from depthbench.progress import Progress

if TYPE_CHECKING:
    from bench.models import Model

SCHEMA = "depthbench.instructions/1"
SHIPPED = Path(__file__).parent / "instruction_baseline.json"
TARGET = "arm64-a76"
TOLERANCE = 0.002
"""Share by which the count may grow. Counts of one artefact differ by less than 0.01 %; the
C library of another distribution copies a little differently."""

NAMED = 0.0005
"""Share of the whole by which a kernel must change to be named."""


@dataclass(frozen=True)
class Growth:
    """Instructions of one inference, `was` and `now`, and the kernels that changed, largest first.

    `by` is the change as a share of what it was; of a kernel, what it has more.
    """

    was: float
    now: float
    by: float
    kernels: tuple[tuple[str, float], ...]

    @property
    def slower(self) -> bool:
        """Whether there are more than TOLERANCE allows."""
        return not self.by <= TOLERANCE


def count_network(
    model: Model, precision: str, out: Path, progress: Progress, asked: Asked = NOTHING
) -> dict[str, Any]:
    """Compile a model for the phone in a precision and count one inference, kernel by kernel.

    One that is not quantised is quantised first for int8, on the default data, used as `asked`.
    `est_cycles` and the `estimate` of the time, which are not judged, are there where LLVM is
    installed. Tuned choices are those that ship, not the user's own. Raises CheckFailed where the
    outputs are not ONNX Runtime's, and what `compile_model` and `count_artefact` raise.
    """
    from bench.compile_service import folder_name, in_precision
    from bench.cost.cost_rows import estimated
    from bench.cost.inference_cost import count_artefact
    from bench.cost.memory.core import RASPBERRY_PI_5
    from bench.measure.agreement import compare, seeded_inputs
    from bench.runtimes.onnxruntime_cpu import OnnxRuntimeCpu
    from compile.pipeline import compile_model

    name = model.name
    source = in_precision(model, precision, out, progress, asked)
    progress(f"{name}: compiling for {TARGET}")
    artefact = compile_model(
        source.path,
        TARGET,
        out / folder_name(source, TARGET, precision, 1),
        name=name,
        precision=precision,
        tuned=[],
        progress=progress,
    )
    inputs = seeded_inputs(artefact.manifest["inputs"])
    progress(f"{name}: counting instructions")
    counted = count_artefact(artefact, inputs, core=RASPBERRY_PI_5)
    with OnnxRuntimeCpu(source.path) as runtime:
        tolerance = artefact.manifest["check"]["tolerance"]
        found = compare(runtime.run(inputs), counted.outputs, "onnxruntime", tolerance)
    difference = found["max_relative_difference"]
    if difference is None or not difference <= tolerance:
        seen = found["problem"] or f"{difference:.1e} relative"
        raise CheckFailed(f"{name} for {TARGET}: outputs differ from ONNX Runtime's: {seen}")
    try:
        cost = counted.cost()
        told = {
            "est_cycles": round(cost.est_cycles),
            "estimate": estimated(cost, RASPBERRY_PI_5)["estimate"],
        }
    except ToolMissing:
        told = {}  # what is judged are instructions
    return {
        "network": name,
        "target": TARGET,
        "inputs": {port["name"]: port["shape"] for port in artefact.manifest["inputs"]},
        "instructions": round(counted.counts.total),
        **told,
        "kernels": {kernel: round(number) for kernel, number in counted.by_owner().items()},
    }


def compare_counts(baseline: Mapping[str, Any], found: Mapping[str, Any]) -> Growth:
    """What grew. Raises InputError when the two are not of the same network, target and inputs."""
    for key in ("network", "target", "inputs"):
        if baseline[key] != found[key]:
            raise InputError(
                f"the baseline counts {key} {baseline[key]}, not {found[key]}", advice=WRITE
            )
    was, now = baseline["instructions"], found["instructions"]
    before, after = baseline["kernels"], found["kernels"]
    changes = {name: after.get(name, 0) - before.get(name, 0) for name in {*before, *after}}
    named = [(name, by) for name, by in changes.items() if abs(by) > NAMED * was]
    named.sort(key=lambda item: (-abs(item[1]), item[0]))
    return Growth(was, now, now / was - 1, tuple(named))


def write_counts(path: Path, found: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """Write the counts to `path`, whole or not at all, with date, commit, tools and reason."""
    from depthbench.files import write_whole

    document = {**heading(SCHEMA, reason), **found}
    write_whole(path, (json.dumps(document, indent=1) + "\n").encode())
    return document


def read_counts(path: Path) -> dict[str, Any]:
    """Read what `write_counts` wrote; raises InputError, in one line, for anything else."""
    document = read_document(path, SCHEMA)
    counts = document.get("kernels")
    whole = isinstance(counts, dict) and all(isinstance(n, int) for n in counts.values())
    if not (whole and isinstance(document.get("instructions"), int)) or not {
        *("network", "target", "inputs", "date", "reason"),
    } <= set(document):
        raise InputError(f"{path}: parts of the baseline are missing", advice=RESTORE)
    if document["instructions"] <= 0:
        raise InputError(f"{path}: a baseline of no instructions", advice=RESTORE)
    return document
