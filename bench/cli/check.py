"""`depthbench check`: is everything still as good as it was?"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import click

from bench.cli.card_options import CARD_OPTIONS, card_options
from bench.cli.check_files import check_report
from bench.cli.options import (
    RECORDS,
    json_option,
    out_option,
    precision_option,
    protocol_option,
    records_option,
)
from bench.cli.parameter_types import DATA, FILE, MODEL, SPLIT
from bench.cli.unused_options import refuse_unused
from bench.gates.figure import GATES
from bench.model_card import Asked
from depthbench.errors import InputError

Readers = tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
"""Gates, and the options that only these read."""

OF_MODEL: Readers = (
    (("accuracy",), ("--data", "--split", "--limit", "--protocol")),
    (("instructions",), ("--precision",)),
    (("accuracy", "instructions"), CARD_OPTIONS),
    (("latency",), ("--records",)),
)
"""With MODEL."""
OF_SHIPPED: Readers = (
    (("accuracy",), ("--baseline",)),
    (("instructions",), ("--counts",)),
    (("latency",), ("--records",)),
)
"""The same without MODEL."""
OF_A_MODEL = (
    *("--against", "--data", "--split", "--limit", "--protocol", "--precision"),
    *CARD_OPTIONS,
)
SAY_MODEL = "depthbench check MODEL --data FOLDER --against BASELINE.json"


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
@precision_option
@card_options(output="--output")
@click.option(
    "--gate",
    "gates",
    multiple=True,
    type=click.Choice(GATES),
    help="Only this gate; may be repeated.  [default: all, with MODEL those of the baseline]",
)
@click.option(
    "--baseline", type=FILE, help="Of accuracy.  [default: the one that comes with depthbench]"
)
@click.option(
    "--counts", type=FILE, help="Of instructions.  [default: those that come with depthbench]"
)
@records_option("The history of latency.  [default: OUT/records.jsonl where there is one]")
@click.option("--junit", type=FILE, help="Write the figures as JUnit XML, for a CI server.")
@click.option("--summary", type=FILE, help="Write them as Markdown.")
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
    precision: str | None,
    asked: Asked,
    gates: tuple[str, ...],
    baseline: Path | None,
    counts: Path | None,
    records: tuple[Path, ...],
    junit: Path | None,
    summary: Path | None,
    strict: bool,
    update: bool,
    reason: str | None,
    out: Path,
    as_json: bool,
) -> int:
    """Check accuracy, instructions and latency against the past.

    With MODEL, a network's name or an .onnx file, against its baseline, which --update writes:
    the baseline says with which card, under which protocol and on which images. Scores MODEL with
    ONNX Runtime on --data; counts an inference's instructions on an emulated Cortex-A76; judges the
    newest latency of this file on every device, in the records. Fails (exit code 1) where a metric
    is worse, predictions or the scores of single images moved, there are more instructions, or a
    run is slower than the baseline's explain; names where the file first differs.

    Without MODEL: compares the shipped networks with a baseline, and latencies with those before
    them. Fails (exit code 1), saying what moved and where: when a metric falls by more than its
    tolerance on a fixed set of images, or weights, inputs, predictions, masks or the scores of
    single images move; when the flagship's code for the phone takes more instructions, counted
    under emulation; when the newest latency of a model on a device, in the history of records, is
    above what the runs before it under the same conditions explain.
    """
    from bench.cli import check_model, check_shipped
    from bench.gates.model_baseline import read_model_baseline
    from bench.gates.model_gate import Question
    from bench.records.record import read_records

    said = bool(reason and reason.strip())
    if said != update and not (update and model and reason is None):
        raise InputError(
            "--update and --reason TEXT go together",
            advice="a new baseline says why it is right",
        )
    if update:
        refuse_unused(["--junit", "--summary", "--strict"], "--update checks nothing")
    if model is None:
        refuse_unused(OF_A_MODEL, "no MODEL is named", advice=SAY_MODEL)
    else:
        why = f"they are of the shipped networks, not of {model}"
        refuse_unused(["--baseline", "--counts"], why)
    default = out / RECORDS
    files = records or ((default,) if default.is_file() else ())
    title = model or "(shipped networks)"
    read = (against, baseline, counts, Path(model) if model else None, *files)
    with check_report(title, junit, summary, read) as report:
        if model is not None:
            if against is None:
                raise InputError(
                    f"{model} is checked against a baseline",
                    advice="give --data FOLDER --against BASELINE.json; --update writes that",
                )
            held = GATES if update else read_model_baseline(against)[1].gates
            if set(gates) <= set(held):
                why = "" if gates else f": {against} holds {', '.join(held)}"
                _check_options(OF_MODEL, gates or held, why)
            question = Question(
                *(model, asked, data, split, limit, protocol, precision, gates, files)
            )
            if update:
                told = reason or "no reason was given"
                return check_model.update_model(question, against, told, out, as_json=as_json)
            return check_model.check_model(
                question, against, out, report, strict=strict, as_json=as_json
            )
        paths, chosen = check_shipped.baselines(baseline, counts), gates or GATES
        written = ("accuracy", "instructions")
        _check_options(OF_SHIPPED, [one for one in chosen if not update or one in written])
        if update:
            return check_shipped.update_shipped(chosen, paths, reason or "", out, as_json=as_json)
        history = read_records(*files) if "latency" in chosen else []
        return check_shipped.check_shipped(
            chosen, paths, history, out, report, strict=strict, as_json=as_json
        )


def _check_options(options: Readers, gates: Collection[str], why: str = "") -> None:
    """Raise InputError for an option that is given and that none of these gates reads."""
    for readers, own in options:
        if not set(readers) & set(gates):
            refuse_unused(own, f"no gate judges {' or '.join(readers)}{why}")
