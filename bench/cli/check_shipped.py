"""`depthbench check` without a model: the gates of the networks that ship."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli import check_result
from bench.cli.output import emit
from bench.cli.progress import status
from depthbench import cancellation
from depthbench.errors import InputError
from depthbench.progress import Progress

if TYPE_CHECKING:
    from bench.cli.check_files import CheckReport
    from bench.models import Model
    from bench.records.record import Record

Result = dict[str, Any]


def baselines(accuracy: Path | None, instructions: Path | None) -> dict[str, Path]:
    """The files of the baselines by gate; those that ship where none are named."""
    from bench.gates import baseline, instruction_gate

    return {
        "accuracy": accuracy or baseline.SHIPPED,
        "instructions": instructions or instruction_gate.SHIPPED,
    }


def update_shipped(
    gates: Sequence[str], paths: Mapping[str, Path], reason: str, out: Path, *, as_json: bool
) -> int:
    """Write the baselines of these gates anew for a `reason`; returns the exit code."""
    from bench.gates import baseline, instruction_gate

    if tuple(gates) == ("latency",):
        raise InputError("latency has no baseline to update", advice="its history are the records")
    with status() as progress:
        now = _take(gates, out, progress)
    if "accuracy" in now:
        baseline.write_baseline(paths["accuracy"], now["accuracy"], reason)
    if "instructions" in now:
        instruction_gate.write_counts(paths["instructions"], now["instructions"], reason)
    document = {"updated": {name: str(paths[name]) for name in now}, "reason": reason}
    emit(document, as_json, "\n".join(f"wrote {paths[name]}" for name in now))
    return 0


def check_shipped(
    gates: Sequence[str],
    paths: Mapping[str, Path],
    history: Sequence[Record],
    out: Path,
    report: CheckReport,
    *,
    strict: bool,
    as_json: bool,
) -> int:
    """Compare the shipped networks with the baselines, and latencies with their `history`.

    What is found goes into the `report`, too. Returns the exit code: 1 where something moved, or
    if `strict` where a gate judged nothing.
    """
    from bench.gates import baseline, instruction_gate
    from bench.gates.accuracy_figures import accuracy_figures
    from bench.gates.accuracy_gate import compare
    from bench.gates.cost_figures import instruction_figures, latency_figures
    from bench.gates.latency_gate import judge_newest

    readers = {"accuracy": baseline.read_baseline, "instructions": instruction_gate.read_counts}
    before = {name: read(paths[name]) for name, read in readers.items() if name in gates}
    with status() as progress:
        now = _take(gates, out, progress)
    results: Result = {}
    if "accuracy" in gates:
        was, found = before["accuracy"], now["accuracy"]
        report.figures += accuracy_figures(was["networks"], found, compare(was["networks"], found))
        results["accuracy"] = check_result.accuracy(was, found)
    if "instructions" in gates:
        counts = (before["instructions"], now["instructions"])
        growth = instruction_gate.compare_counts(*counts)
        report.figures += instruction_figures(*counts, growth)
        results["instructions"] = check_result.instructions(*counts)
    if "latency" in gates:
        verdicts = judge_newest(history)
        none = "there are no latencies in the records"
        report.figures += latency_figures(verdicts, "all networks", none)
        results["latency"] = check_result.latency(verdicts)
    good = all(result["good"] for result in results.values())
    judged = all(result["judged"] for result in results.values())
    figures = [asdict(figure) for figure in report.figures]
    document = {"good": good, "figures": figures, **results}
    emit(document, as_json, lambda: check_result.text(results))
    return 0 if good and (judged or not strict) else 1


def _take(gates: Sequence[str], out: Path, progress: Progress) -> Result:
    """What the networks give and cost now, by gate."""
    from bench.compile_service import default_precision
    from bench.gates import accuracy_gate, instruction_gate
    from depthnet.zoo import FLAGSHIP

    now: Result = {}
    names = [FLAGSHIP] if "instructions" in gates else []
    if "accuracy" in gates:
        names = accuracy_gate.shipped_networks()
    models = _export(names, out / "check", progress)
    if "accuracy" in gates:
        images = accuracy_gate.fixed_images()
        now["accuracy"] = accuracy_gate.take_snapshot(models, images, progress)
    if "instructions" in gates:
        flagship = next(model for model in models if model.name == FLAGSHIP)
        now["instructions"] = instruction_gate.count_network(
            flagship, default_precision(flagship), out / "check", progress
        )
    return now


def _export(names: Sequence[str], folder: Path, progress: Progress) -> list[Model]:
    from bench.gates.accuracy_gate import export_shipped

    models = []
    for name in names:
        cancellation.check()
        progress(f"building and exporting {name}")
        models.append(export_shipped(name, folder / f"{name}.onnx"))
    return models
