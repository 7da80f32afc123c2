"""`depthbench check`: whether the shipped networks still give what the baseline says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.common import emit, json_option, out_option, status, table
from bench.errors import InputError

if TYPE_CHECKING:
    from bench.gate import Change

NAMED = 3


@click.command(name="check")
@click.option(
    "--baseline",
    type=click.Path(dir_okay=False, path_type=Path),
    help="What to compare with.  [default: the one that comes with depthbench]",
)
@click.option("--update", is_flag=True, help="Write the baseline anew instead; needs --reason.")
@click.option("--reason", help="Why the figures are right as they are now.")
@out_option
@json_option
def command(
    baseline: Path | None, update: bool, reason: str | None, out: Path, as_json: bool
) -> int:
    """Run the shipped networks on a fixed set of images and compare with a baseline.

    Fails (exit code 1) when a metric falls by more than its tolerance, or when weights, inputs,
    predictions, masks or the scores of single images move; prints what moved, and where.
    """
    from bench import gate
    from bench.baseline import SHIPPED, read_baseline, write_baseline

    if update != bool(reason and reason.strip()):
        raise InputError(
            "--update and --reason TEXT go together: a new baseline says why it is right"
        )
    path = baseline or SHIPPED
    before = None if update else read_baseline(path)
    with status() as progress:
        models = []
        for name in gate.shipped_networks():
            progress(f"building and exporting {name}")
            models.append(gate.export_shipped(name, out / "check" / f"{name}.onnx"))
        now = gate.take_snapshot(models, gate.fixed_images(), progress)
    if before is None:
        written = write_baseline(path, now, reason or "")
        networks = ", ".join(f"{name} ({'; '.join(now[name]['data'])})" for name in now)
        summary = {key: written[key] for key in ("date", "reason", "git")}
        document = {"updated": str(path), **summary, "networks": list(now)}
        emit(document, as_json, f"wrote {path}: {networks}")
        return 0
    changes = gate.compare(before["networks"], now)
    document = {
        "good": not changes,
        "baseline": {key: before[key] for key in ("date", "reason", "git")},
        "explanation": gate.explain(changes),
        "changes": [_as_json(change) for change in changes],
        "not_compared": gate.not_compared(before["networks"], now),
        "networks": {
            name: {d: {p: s["means"] for p, s in data.items()} for d, data in n["data"].items()}
            for name, n in now.items()
        },
    }
    emit(document, as_json, lambda: _text(document, changes))
    return 1 if changes else 0


def _as_json(change: Change) -> dict[str, Any]:
    """A change with None for what is no number, which JSON has no form for."""
    row = asdict(change)
    finite = {key: _finite(value) for key, value in row.items() if key != "where"}
    return {**finite, "where": [{"name": n, "by": _finite(by)} for n, by in change.where]}


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not abs(value) < float("inf") else value


def _text(document: dict[str, Any], changes: list[Change]) -> str:
    skipped = [f"not compared, only on one side: {name}" for name in document["not_compared"]]
    baseline = document["baseline"]
    since = f"the baseline of {baseline['date']} ({baseline['reason']})"
    if not changes:
        compared = [f"{name}: {', '.join(data)}" for name, data in document["networks"].items()]
        return "\n".join([f"good: as {since}", *compared, *skipped])
    rows: list[Mapping[str, Any]] = [
        {
            "network": change.network,
            "data": change.data,
            "protocol": change.protocol,
            "what": change.what,
            "was": change.was,
            "now": change.now,
            "moved by": change.by,
            "allowed": change.allowed,
            "where": _where(change),
        }
        for change in changes
    ]
    head = f"{len(changes)} things moved since {since}"
    return "\n".join([head, document["explanation"], "", table(rows), *skipped])


def _where(change: Change) -> str | None:
    if not change.where:
        return None
    names = ", ".join(f"{name} ({by:.2g})" for name, by in change.where[:NAMED])
    more = ", ..." if len(change.where) > NAMED else ""
    return f"{len(change.where)} of {change.of}: {names}{more}"
