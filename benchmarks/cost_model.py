"""How far estimated milliseconds of a Cortex-A76 are from public ones of real devices.

python benchmarks/cost_model.py [--json]
python benchmarks/cost_model.py --recount FOLDER    # FOLDER holds ncnn's benchmark/models/*.param

Coefficients are fitted on every second network; the other half judges. Nothing is downloaded.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench import cli
from bench.cli.output import table
from bench.cost.estimating.estimate import COVERAGE, SPREAD
from bench.cost.memory import calibration, public_latencies
from bench.cost.memory.public_latencies import PublicNetwork, count_network
from bench.records.provenance import tool_versions
from bench.report.numbers import percent
from depthbench.files import write_whole

PERCENT = ("off by", "error", "median error", "worst error")
FIGURES = (*PERCENT, "measured", "no memory", "estimated")
DEVICES = {"pi5": "Raspberry Pi 5", "sd855plus": "Snapdragon 855+"}


@click.command()
@click.option(
    "--recount",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Count the networks again, whose .param files lie here.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(recount: Path | None, as_json: bool) -> None:
    """Print measured and estimated milliseconds of every network, and the errors."""
    if recount:
        count_again(recount)
    networks = public_latencies.read_networks()
    document = judged(networks)
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return
    for device, title in DEVICES.items():
        click.echo(f"{title}, {calibration.CLOCKS_GHZ[device]} GHz, one thread, ncnn in fp16, ms")
        click.echo(table([shown(row) for row in document["networks"][device]], right=FIGURES))
        click.echo()
    click.echo(table([shown(row) for row in document["errors"]], right=FIGURES))
    found = document["fit"]
    lines = ", ".join(f"{found['line_ns'][name]:.1f} ns on {DEVICES[name]}" for name in DEVICES)
    click.echo(f"\nfitted: {found['factor']:.3f} of llvm-mca's cycles; a line written back {lines}")
    click.echo(f"interval of an estimate: {COVERAGE:.0%} of errors are within a factor of {SPREAD}")


def judged(networks: list[PublicNetwork]) -> dict[str, Any]:
    """The fit on one half, each network's figures, and the errors of either half."""
    fitted_on, _ = calibration.halves(networks)
    found = calibration.fit(fitted_on)
    rows: dict[str, list[dict[str, Any]]] = {}
    errors: list[dict[str, Any]] = []
    for device, title in DEVICES.items():
        rows[device] = [
            {
                "network": network.name,
                "fitted on": "yes" if network in fitted_on else "no",
                "measured": (measured := network.milliseconds[device]),
                "no memory": (before := calibration.without_memory(network, device)),
                "off by": before / measured - 1,
                "estimated": (after := found.milliseconds(network, device)),
                "error": after / measured - 1,
            }
            for network in networks
        ]
        unfitted = [row for row in rows[device] if row["fitted on"] == "no"]
        for which, off in {
            "half not fitted on, no memory": [row["off by"] for row in unfitted],
            "half not fitted on": [row["error"] for row in unfitted],
            "each, fitted on all others": calibration.leave_one_out(networks, device).tolist(),
        }.items():
            size = np.abs(off)
            median, worst = float(np.median(size)), float(size.max())
            errors.append(
                {"device": title, "networks": which, "median error": median, "worst error": worst}
            )
    return {"fit": asdict(found), "networks": rows, "errors": errors}


def shown(row: dict[str, Any]) -> dict[str, str]:
    """A row of the tables for people."""
    return {name: in_words(name, value) for name, value in row.items()}


def in_words(name: str, value: str | float) -> str:
    """A cell of the column `name`."""
    if isinstance(value, str):
        return value
    return percent(value) if name in PERCENT else f"{value:.2f}"


def count_again(folder: Path) -> None:
    """Replace the counts of every network in the file."""
    document = public_latencies.read_document()
    for network in document["networks"]:
        name = network["name"]
        instructions, est_cycles, moved = count_network(
            folder / f"{name}.param",
            network["input_size"],
            lambda line, name=name: click.echo(f"{name}: {line}", err=True),  # type: ignore[misc]
        )
        network |= {"instructions": round(instructions), "est_cycles": round(est_cycles)}
        network["moved"] = {key: round(number) for key, number in asdict(moved).items()}
    document["counted_with"] = {"tools": tool_versions()}
    text = json.dumps(document, indent=1, allow_nan=False) + "\n"
    write_whole(public_latencies.FILE, text.encode())


if __name__ == "__main__":
    cli.main(command=main)
