"""Do public depth networks compile, whoever exported them, agree with their files, and how fast?

python benchmarks/public_architectures.py [--models NAME ...] [--exporters NAME ...] [--quick]
    [--targets NAME ...] [--rounds N] [--json]
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import click
from networks import ARCHITECTURES
from networks.exporters import EXPORTERS, build, export
from torch import nn

from bench import cli
from bench.measure.agreement import seeded_inputs
from bench.measure.comparison import compare, precision_of
from bench.models import resolve_model
from bench.runtimes.registry import Prepared
from bench.runtimes.subprocess_runtime import SubprocessRuntime
from compile.artefact import Artefact
from compile.pipeline import compile_model
from compile.precision import FP32, INT8
from depthbench.errors import CheckFailed, InputError
from depthbench.one_line import one_line

TARGETS = ("host", "arm64-a76")


@click.command()
@click.option("--models", multiple=True, type=click.Choice(list(ARCHITECTURES)))
@click.option("--exporters", multiple=True, type=click.Choice(EXPORTERS))
@click.option("--targets", multiple=True, default=TARGETS, show_default=True)
@click.option("--quick", is_flag=True, help="Small images.")
@click.option("--rounds", type=click.IntRange(min=0), default=10, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(
    models: tuple[str, ...],
    exporters: tuple[str, ...],
    targets: tuple[str, ...],
    quick: bool,
    rounds: int,
    as_json: bool,
) -> None:
    """Export, compile, compare and time each network by each exporter.

    torch-N is PyTorch's exporter at opset N, legacy-N the one before it; the others are what a
    tool makes of the first: see networks/tools.py. The ratio is that of medians of CPU time on
    one thread, the artefact's over ONNX Runtime's, interleaved. Weights are random.
    """
    rows = []
    for name in models or ARCHITECTURES:
        shape = ARCHITECTURES[name].shape(quick)
        for exporter in exporters or EXPORTERS:
            with tempfile.TemporaryDirectory() as folder:
                row = judge(
                    build(name, quick, exporter), shape, exporter, targets, rounds, Path(folder)
                )
            rows.append(
                {"architecture": name, "size": list(shape[2:]), "exporter": exporter, **row}
            )
            if not as_json:
                click.echo(_text(rows[-1]))
    if as_json:
        click.echo(json.dumps({"rows": rows}, indent=2))


def judge(
    network: nn.Module,
    shape: tuple[int, ...],
    exporter: str,
    targets: tuple[str, ...],
    rounds: int,
    folder: Path,
) -> dict[str, Any]:
    """What becomes of a network by one exporter: a verdict a target, and the ratio on the host."""
    path = folder / "model.onnx"
    try:
        export(network, shape, exporter, path)
    except Exception as error:  # exporters raise whatever they meet
        return {"verdicts": {"export": f"{type(error).__name__}: {one_line(error)}"}}
    row: dict[str, Any] = {"verdicts": {}, "differences": {}}
    precision = INT8.name if exporter == "quantised" else FP32.name
    for target in targets:
        try:
            artefact = compile_model(path, target, folder / target, precision=precision)
        except InputError as error:
            row["verdicts"][target] = f"refused: {error.message.removeprefix(f'{path}: ')}"
        except CheckFailed as error:
            row["verdicts"][target] = f"failed: {error.message.removeprefix(f'{path}: ')}"
        else:
            row["verdicts"][target] = "compiled"
            found = account(artefact, row["differences"])
            row |= {**found, "slow": [*found["slow"], *row.get("slow", [])]}
            if target == "host" and rounds:
                row["ratio"] = ratio(artefact, path, rounds)
    return row


def account(artefact: Artefact, differences: dict[str, float]) -> dict[str, Any]:
    """What an artefact's manifest says of its check, and of what it runs slowly."""
    check, schedule = artefact.manifest["check"], artefact.manifest["schedule"]
    checks = [check, check["signed"]] if "signed" in check else [check]
    found = max(max(one["relative_difference"].values()) for one in checks)
    differences[artefact.manifest["target"]["name"]] = found
    unscheduled = [one["operator"] for one in schedule["fallbacks"]]
    slow = [one["operators"] for one in (artefact.manifest["speed"] or {}).get("slowest", [])]
    slow = list(dict.fromkeys([*unscheduled, *slow]))
    return {"constant": check["constant_outputs"], "slow": slow}


def ratio(artefact: Artefact, path: Path, rounds: int) -> float:
    """The artefact's median over ONNX Runtime's on the same file, each in its own process."""
    with (
        SubprocessRuntime(Prepared("tvm", artefact.folder, 1)) as ours,
        SubprocessRuntime(Prepared("onnxruntime", path, 1)) as theirs,
    ):
        model = resolve_model(str(path), path.parent)
        inputs = seeded_inputs(model.fixed_inputs)
        runtimes = {"tvm": ours, "onnxruntime": theirs}
        found = compare(runtimes, inputs, rounds=rounds, tolerance=precision_of(model)[1])
    return float(found["runtimes"]["tvm"]["against"]["onnxruntime"]["ratio"])


def _text(row: dict[str, Any]) -> str:
    verdicts = "; ".join(f"{target}: {what}" for target, what in row["verdicts"].items())
    differences = max(row.get("differences", {}).values(), default=None)
    parts = [f"{row['architecture']}, {row['exporter']}", verdicts]
    if differences is not None:
        parts.append(f"differs by {differences:.1e} at most")
    if "ratio" in row:
        parts.append(f"{row['ratio']:.2f} of ONNX Runtime's time")
    if row.get("constant"):
        parts.append(f"constant: {', '.join(row['constant'])}")
    if row.get("slow"):
        parts.append(f"slow: {', '.join(dict.fromkeys(row['slow']))}")
    return "; ".join(parts)


if __name__ == "__main__":
    cli.main(command=main)
