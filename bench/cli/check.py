"""`depthbench check`: is everything still as good as it was?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli import check_result
from bench.cli.card_options import card_options
from bench.cli.check_model import check_model
from bench.cli.options import OUT, json_option, out_option, protocol_option, records_option
from bench.cli.output import emit
from bench.cli.parameter_types import DATA, FILE, MODEL, SPLIT
from bench.cli.progress import status
from bench.model_card import NOTHING, Asked
from depthbench import cancellation
from depthbench.errors import InputError
from depthbench.progress import Progress

if TYPE_CHECKING:
    from bench.models import Model

GATES = ("accuracy", "instructions", "latency")

Result = dict[str, Any]


@click.command(name="check")
@click.argument("model", required=False, type=MODEL)
@click.option(
    "--against", type=FILE, help="The baseline of MODEL, which also says how MODEL is used."
)
@click.option(
    "--data",
    type=DATA,
    help="Whose images MODEL is scored on: rooms, nyu, or the path of a data set.",
)
@click.option("--split", type=SPLIT, help="Which part of it.  [default: test]")
@click.option("--limit", type=click.IntRange(min=1), help="Only its first images.")
@protocol_option
@card_options(output="--output")
@click.option(
    "--gate",
    "gates",
    multiple=True,
    type=click.Choice(GATES),
    help="Only this gate; may be repeated.  [default: all]",
)
@click.option(
    "--baseline", type=FILE, help="Of accuracy.  [default: the one that comes with depthbench]"
)
@click.option(
    "--counts", type=FILE, help="Of instructions.  [default: those that come with depthbench]"
)
@records_option("The history of latency.  [default: OUT/records.jsonl where there is one]")
@click.option("--strict", is_flag=True, help="Fail, too, where a gate had nothing to judge.")
@click.option("--update", is_flag=True, help="Write the baselines anew instead.")
@click.option(
    "--reason",
    help="Why the figures are right as they are now; --update of the shipped networks needs it.",
)
@out_option
@json_option
def command(
    model: str | None,
    against: Path | None,
    data: str | None,
    split: str | None,
    limit: int | None,
    protocol: str | None,
    asked: Asked,
    gates: tuple[str, ...],
    baseline: Path | None,
    counts: Path | None,
    records: tuple[Path, ...],
    strict: bool,
    update: bool,
    reason: str | None,
    out: Path,
    as_json: bool,
) -> int:
    """Check accuracy, instructions and latency against the past.

    With MODEL, a network's name or an .onnx file: scores it with ONNX Runtime on --data and fails
    (exit code 1) where a metric is worse than in the baseline --against, or where predictions or
    the scores of single images moved. The baseline, which --update writes, says with which card,
    under which protocol and on which images.

    Without MODEL: compares the shipped networks with a baseline, and latencies with those before
    them. Fails (exit code 1), saying what moved and where: when a metric falls by more than its
    tolerance on a fixed set of images, or weights, inputs, predictions, masks or the scores of
    single images move; when the flagship's code for the phone takes more instructions, counted
    under emulation; when the newest latency of a model on a device, in the history of records, is
    above what the runs before it under the same conditions explain.
    """
    from bench.gates import accuracy_gate as shipped
    from bench.gates import baseline as accuracy
    from bench.gates import instruction_gate as cost
    from bench.gates.latency_gate import judge_newest
    from bench.gates.model_gate import Question
    from bench.records.record import read_records

    said = bool(reason and reason.strip())
    if said != update and not (update and model and reason is None):
        raise InputError(
            "--update and --reason TEXT go together",
            advice="a new baseline says why it is right",
        )
    if model is not None:
        if gates or baseline or counts or records or strict:
            raise InputError(
                "--gate, --baseline, --counts, --records and --strict are of the shipped networks",
                advice=f"leave them out, or {model}",
            )
        if against is None or data is None:
            raise InputError(
                f"{model} is checked on images, against a baseline",
                advice="give --data FOLDER --against BASELINE.json; --update writes that",
            )
        question = Question(model, asked, data, split, limit, protocol)
        why = (reason or "no reason was given") if update else None
        return check_model(question, against, why, out, as_json=as_json)
    if against or data or split or limit or protocol or asked != NOTHING:
        raise InputError(
            "--against, --data and what is said of a model's use are of a MODEL",
            advice="name it: depthbench check MODEL --data FOLDER --against BASELINE.json",
        )
    chosen = gates or GATES
    if update and chosen == ("latency",):
        raise InputError("latency has no baseline to update", advice="its history are the records")
    paths = {
        "accuracy": baseline or accuracy.SHIPPED,
        "instructions": counts or cost.SHIPPED,
    }
    before: Result = {}
    if not update:
        readers = {"accuracy": accuracy.read_baseline, "instructions": cost.read_counts}
        before = {name: readers[name](paths[name]) for name in readers if name in chosen}
        default = OUT / "records.jsonl"
        history = read_records(*(records or ((default,) if default.is_file() else ())))
    now: Result = {}
    with status() as progress:
        models = _export(_networks(chosen), out / "check", progress)
        if "accuracy" in chosen:
            now["accuracy"] = shipped.take_snapshot(models, shipped.fixed_images(), progress)
        if "instructions" in chosen:
            flagship = next(model for model in models if model.name == _flagship())
            now["instructions"] = cost.count_network(
                flagship.name, flagship.path, out / "check", progress
            )
    if update:
        if "accuracy" in now:
            accuracy.write_baseline(paths["accuracy"], now["accuracy"], reason or "")
        if "instructions" in now:
            cost.write_counts(paths["instructions"], now["instructions"], reason or "")
        document: Result = {"updated": {name: str(paths[name]) for name in now}, "reason": reason}
        emit(document, as_json, "\n".join(f"wrote {paths[name]}" for name in now))
        return 0
    results: Result = {}
    if "accuracy" in chosen:
        results["accuracy"] = check_result.accuracy(before["accuracy"], now["accuracy"])
    if "instructions" in chosen:
        results["instructions"] = check_result.instructions(
            before["instructions"], now["instructions"]
        )
    if "latency" in chosen:
        results["latency"] = check_result.latency(judge_newest(history))
    good = all(result["good"] for result in results.values())
    judged = all(result["judged"] for result in results.values())
    emit({"good": good, **results}, as_json, lambda: check_result.text(results))
    return 0 if good and (judged or not strict) else 1


def _flagship() -> str:
    from depthnet.zoo import FLAGSHIP

    return FLAGSHIP


def _networks(chosen: Sequence[str]) -> list[str]:
    from bench.gates.accuracy_gate import shipped_networks

    if "accuracy" in chosen:
        return shipped_networks()
    return [_flagship()] if "instructions" in chosen else []


def _export(names: Sequence[str], folder: Path, progress: Progress) -> list[Model]:
    from bench.gates.accuracy_gate import export_shipped

    models = []
    for name in names:
        cancellation.check()
        progress(f"building and exporting {name}")
        models.append(export_shipped(name, folder / f"{name}.onnx"))
    return models
