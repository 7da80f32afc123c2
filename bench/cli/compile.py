"""`depthbench compile`: an ONNX model as an artefact for a target."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import click

from bench.cli.card_options import card_options
from bench.cli.options import (
    json_option,
    model_argument,
    out_option,
    precision_option,
    target_option,
    threads_option,
)
from bench.cli.output import emit, key_values, warn
from bench.cli.parameter_types import FILE, FOLDER
from bench.cli.progress import status
from bench.cli.unused_options import refuse_unused
from bench.model_card import Asked
from bench.report.numbers import megabytes
from depthbench.plural import counted

LIBRARY = "model.so"
WIDEST = 48


@click.command(name="compile")
@model_argument
@target_option("arm64-a76")
@precision_option
@threads_option
@click.option(
    "-o",
    "--output",
    type=FOLDER,
    help="The artefact folder to write.  [default: OUT/MODEL-TARGET]",
)
@card_options()
@click.option(
    "--tuned",
    type=FILE,
    help="Tuned choices to prefer.  [default: what `depthbench tune` last wrote]",
)
@click.option(
    "--allow-growth",
    is_flag=True,
    help="Store a phone's weights of dense convolutions in up to four times the bytes where that "
    "is faster.",
)
@click.option("--untuned", is_flag=True, help="Take no tuned choices, not even those shipped.")
@click.option(
    "--dump-ir",
    type=click.Path(file_okay=False, path_type=Path),
    help="An empty or new folder for the module after each phase, as text.",
)
@click.option("--force", is_flag=True, help="Compile even when nothing changed.")
@out_option
@json_option
def command(
    model: str,
    target: str,
    precision: str | None,
    threads: int,
    output: Path | None,
    asked: Asked,
    tuned: Path | None,
    allow_growth: bool,
    untuned: bool,
    dump_ir: Path | None,
    force: bool,
    out: Path,
    as_json: bool,
) -> None:
    """Compile MODEL with Apache TVM.

    MODEL is a network's name or an .onnx file.
    """
    from bench.compile_service import compile_for, describe_artefact
    from compile import targets

    if untuned:
        refuse_unused(["--tuned"], "--untuned takes no tuned choices")
    if targets.get(target).may_grow:
        refuse_unused(["--allow-growth"], "weights for this machine may grow without it")
    if precision not in (None, "fp32"):
        refuse_unused(["--allow-growth"], "only fp32 is computed by minimal filtering")

    with status() as progress:
        artefact = compile_for(
            model,
            target,
            out,
            output=output,
            precision=precision,
            threads=threads,
            allow_growth=allow_growth,
            asked=asked,
            tuned=tuned,
            untuned=untuned,
            force=force,
            dump_ir=dump_ir,
            progress=progress,
        )
    for warning in artefact.manifest["warnings"]:
        warn(warning)
    document = describe_artefact(artefact)
    emit(document, as_json, lambda: _text(document))


def _text(made: dict[str, Any]) -> str:
    """What was made, whether it is right, how much of it has a schedule, and what to do next."""
    target, threads = made["target"], made["threads"]
    cores = counted(threads, "thread")
    head = (
        f"{made['name']} for {target['name']} ({target['processor']}), {made['precision']}, "
        f"{cores}: {made['folder']}"
    )
    memory = made["memory"]
    shown = {
        "input": "; ".join(map(_port, made["inputs"])),
        "output": "; ".join(map(_port, made["outputs"])),
        "library": f"{megabytes(made['files'][LIBRARY]['bytes'])}, SHA-256 "
        f"{made['artefact_sha256'][:12]}",
        "memory": f"{megabytes(memory['weights_bytes'])} of weights, "
        f"{megabytes(memory['activations_bytes'])} for one inference",
        "work": _work(made["rewrites"]),
        "kernels": _kernels(made["schedule"]),
        "families": ", ".join(f"{n} {name}" for name, n in made["schedule"]["families"].items()),
        "checked": _check(made["check"]),
        "compiled": "before, and nothing has changed since"
        if made["reused"]
        else f"with Apache TVM {made['tools']['apache-tvm']}",
    }
    lines = [head, "", key_values(shown)]
    lines += [*_unscheduled(made["schedule"]), *_slow(made["speed"])]
    if target["name"] != "host":
        lines += ["", f"Next: depthbench rpc-measure {made['folder']}"]
    return "\n".join(lines)


def _port(port: dict[str, Any]) -> str:
    return f"{port['name']}, {'x'.join(map(str, port['shape']))} {port['dtype']}"


def _work(rewrites: dict[str, Any]) -> str:
    before, after = rewrites["macs_before"], rewrites["macs_after"]
    saved = f", {1 - after / before:.1%} fewer than the model's" if after < before else ""
    return f"{after / 1e6:.1f} M multiply-adds{saved}"


def _kernels(schedule: dict[str, Any]) -> str:
    return (
        f"{sum(schedule['families'].values())}; {schedule['scheduled_share']:.1%} of the work has "
        f"a schedule of ours, {counted(schedule['tuned'], 'kernel')} a tuned one"
    )


def _check(check: dict[str, Any]) -> str:
    largest = max(check["relative_difference"].values())
    return (
        f"the outputs differ from {check['against']} by {largest:.1e} at most, relatively; "
        f"allowed {check['tolerance']:.0e}"
    )


def _unscheduled(schedule: dict[str, Any]) -> list[str]:
    """One line for all operators without a schedule of a family, the costliest first."""
    macs: defaultdict[str, float] = defaultdict(float)
    moved: defaultdict[str, float] = defaultdict(float)
    for one in schedule["fallbacks"]:
        macs[one["operator"]] += one["share"]
        moved[one["operator"]] += one["bytes_share"]
    named = sorted(macs, key=lambda operator: (-macs[operator], -moved[operator]))
    shown = [
        f"{_shortened(one)} ({macs[one]:.1%} of the multiply-adds, {moved[one]:.1%} of the bytes)"
        for one in named
    ]
    return [f"no schedule of a family for {', '.join(shown)}"] if shown else []


def _shortened(operators: str) -> str:
    """The first of the operators that a kernel was fused from."""
    return operators if len(operators) <= WIDEST else f"{operators[: WIDEST - 3]}..."


def _slow(speed: dict[str, Any] | None) -> list[str]:
    if not speed or not speed["slowest"]:
        return []
    named = [(_shortened(one["operators"]), one["share"]) for one in speed["slowest"]]
    shown = ", ".join(f"{operators} {share:.0%}" for operators, share in named)
    return [f"slow: {speed['ratio']:.1f} times {speed['against']}'s time here, of which {shown}"]
