"""`depthbench check MODEL`: the gates of one's own model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli import check_result
from bench.cli.output import emit, table
from bench.cli.progress import status
from depthbench.plural import counted

if TYPE_CHECKING:
    from bench.cli.check_files import CheckReport
    from bench.gates.figure import Figure
    from bench.gates.model_baseline import ModelBaseline
    from bench.gates.model_gate import Compared, Question


def update_model(
    question: Question, against: Path, reason: str, out: Path, *, as_json: bool
) -> int:
    """Write the baseline of a model anew for a `reason`; returns the exit code."""
    from bench.gates import model_gate
    from bench.gates.model_baseline import write_model_baseline

    with status() as progress:
        taken = model_gate.take(question, out, progress)
    write_model_baseline(against, taken, reason)
    document = {"updated": str(against), "reason": reason, **_use(taken), "gates": taken.gates}
    emit(document, as_json, f"wrote {against}: {_in_words(taken)}")
    return 0


def check_model(
    question: Question,
    against: Path,
    out: Path,
    report: CheckReport,
    *,
    strict: bool,
    as_json: bool,
) -> int:
    """Compare a model with the baseline `against`; what is found goes into the `report`, too.

    Returns the exit code: 1 where something moved, or if `strict` where a gate judged nothing.
    """
    from bench.gates import model_gate
    from bench.gates.figure import verdict_of

    with status() as progress:
        found = model_gate.compare_with(against, question, out, progress)
    results, where = _results(found, report.figures)
    about = found.about
    report.about += [
        _in_words(found.now),
        f"Baseline {against} of {about['date']}: {about['reason']}",
        *([where] if where else []),
    ]
    if found.failure:
        raise found.failure
    good = all(result["good"] for result in results.values())
    document = {
        "good": good,
        **_use(found.now),
        "baseline": {key: about[key] for key in ("date", "reason", "git")},
        "first_difference": where or None,
        "figures": [asdict(figure) for figure in report.figures],
        **results,
    }
    lines = [*report.about, verdict_of(report.figures)]
    emit(document, as_json, lambda: "\n".join([*lines, "", _table(report.figures)]))
    judged = all(result["judged"] for result in results.values())
    return 0 if good and (judged or not strict) else 1


def _results(found: Compared, figures: list[Figure]) -> tuple[dict[str, Any], str]:
    """The result of every gate, whose figures are added, and where the model's file differs."""
    from bench.gates import accuracy_gate
    from bench.gates.accuracy_figures import accuracy_figures
    from bench.gates.cost_figures import instruction_figures, latency_figures
    from bench.gates.instruction_gate import compare_counts

    before, now, name = found.before, found.now, found.now.model
    results, where = {}, ""
    if before.accuracy and now.accuracy:
        was, found_now = {name: before.accuracy.network}, {name: now.accuracy.network}
        changes = accuracy_gate.compare(was, found_now)
        if changes:
            moved = [change for change in changes if change.what == "weights"]
            where = found.where([tensor for change in moved for tensor, _ in change.where])
        figures += accuracy_figures(was, found_now, changes, where)
        results["accuracy"] = check_result.accuracy({**found.about, "networks": was}, found_now)
    if before.instructions and now.instructions:
        was_cost, cost = (
            {**one.model_dump(), "network": name} for one in (before.instructions, now.instructions)
        )
        figures += instruction_figures(was_cost, cost, compare_counts(was_cost, cost))
        results["instructions"] = check_result.instructions({**was_cost, **found.about}, cost)
    if now.latency is not None:
        none = f"there are no latencies of {found.model.file} in the records"
        figures += latency_figures(found.verdicts, name, none)
        results["latency"] = check_result.latency(found.verdicts)
    return results, where


def _table(figures: Sequence[Figure]) -> str:
    rows = [{**figure.cells(), "why": figure.why or None} for figure in figures]
    kernels = [
        line for figure in figures if figure.gate == "instructions" for line in figure.details
    ]
    return "\n".join([table(rows, right=("was", "now", "change", "allowed")), *kernels])


def _use(taken: ModelBaseline) -> dict[str, Any]:
    used = taken.accuracy.model_dump(exclude={"network"}) if taken.accuracy else {}
    return {"model": taken.model, **used}


def _in_words(taken: ModelBaseline) -> str:
    used = taken.accuracy
    if used is None:
        return f"{taken.model}: {', '.join(taken.gates)}"
    return (
        f"{taken.model} on {counted(used.images, 'image')} of {used.data} ({used.split}), "
        f"protocol {used.protocol}"
    )
