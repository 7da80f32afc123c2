"""`depthbench check MODEL`: the gate of one's own model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli import check_result
from bench.cli.output import emit
from bench.cli.progress import status

if TYPE_CHECKING:
    from bench.gates.model_gate import Question


def check_model(
    question: Question, against: Path, reason: str | None, out: Path, *, as_json: bool
) -> int:
    """Compare a model with the baseline `against`, or write that anew for a `reason`.

    Returns the exit code: 1 where something moved.
    """
    from bench.gates import model_gate
    from bench.gates.baseline import write_baseline

    if reason:
        with status() as progress:
            taken = model_gate.take(question, out, progress)
        write_baseline(against, taken.networks, reason, taken.subject)
        document = {"updated": str(against), "reason": reason, **taken.subject.model_dump()}
        emit(document, as_json, f"wrote {against}: {_use(document)}")
        return 0
    with status() as progress:
        before, now = model_gate.compare_with(against, question, out, progress)
    result = check_result.accuracy(before, now.networks)
    subject = now.subject.model_dump()
    document = {"good": result["good"], **subject, "accuracy": result}
    emit(document, as_json, lambda: f"{_use(subject)}\n{check_result.text({'accuracy': result})}")
    return 0 if result["good"] else 1


def _use(subject: dict[str, Any]) -> str:
    return (
        f"{subject['model']} on {subject['images']} images of {subject['data']} "
        f"({subject['split']}), protocol {subject['protocol']}"
    )
