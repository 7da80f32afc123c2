"""`depthbench profile`: the time of every operator on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from bench.cli.options import (
    input_shape_option,
    json_option,
    model_argument,
    out_option,
    precision_option,
    threads_option,
)
from bench.cli.output import emit, table
from bench.cli.parameter_types import FILE, Shapes
from bench.cli.progress import status
from bench.model_card import Asked

SHOWN = 20


@click.command(name="profile")
@model_argument
@precision_option
@threads_option
@input_shape_option
@click.option("--inferences", type=click.IntRange(min=1), default=30, show_default=True)
@click.option(
    "--plot",
    type=FILE,
    help="Draw the roofline into this file (.png, .svg, .pdf).",
)
@out_option
@json_option
def command(
    model: str,
    precision: str | None,
    threads: int,
    shapes: Shapes,
    inferences: int,
    plot: Path | None,
    out: Path,
    as_json: bool,
) -> None:
    """Time every operator of MODEL on this machine.

    MODEL is a network or an .onnx file, compiled for this machine; each operator is timed where
    it runs in the network. `rpc-measure --profile` does so on a device.

    Multiply-adds and bytes beside the time say how near an operator comes to what a core can do,
    which is measured too. Times are CPU time, with several threads the clock's.
    """
    from bench.compile_service import compile_for
    from bench.profiling.host_profile import profile_here

    with status() as progress:
        artefact = compile_for(
            model,
            "host",
            out,
            precision=precision,
            threads=threads,
            asked=Asked(shapes=dict(shapes)),
            progress=progress,
        )
        document = profile_here(artefact, inferences, progress)
    if plot is not None:
        from bench.report.charts.roofline_chart import save_roofline
        from bench.report.roofline import build_roofline

        roofline = build_roofline(document)
        assert roofline is not None
        save_roofline(roofline, f"{document['model']}, this machine", plot)
    emit(document, as_json, lambda: f"{document['model']}\n{profile_table(document['profile'])}")


def profile_table(profile: Mapping[str, Any]) -> str:
    """The slowest operators of a profile, and how their sum compares with the whole."""
    from bench.report.roofline import build_roofline

    roofline = build_roofline({"profile": profile})
    assert roofline is not None
    rows: list[Mapping[str, Any]] = [
        {
            "operator": row["operator"][:60],
            "ms": row["ms"],
            "of all": f"{row['share']:.1%}",
            "MMAC": row["macs"] / 1e6,
            "kB": row["bytes"] / 1e3,
            "GFLOP/s": row["gflops"],
            "of peak": "-" if row["of_peak"] is None else f"{row['of_peak']:.0%}",
        }
        for row in roofline["operators"][:SHOWN]
    ]
    ratio = profile["sum_ms"] / profile["whole_ms"]
    memory = profile["peak_gbytes_s"]
    return "\n".join(
        [
            table(rows),
            f"{len(profile['operators'])} operators, sum {profile['sum_ms']:.3f} ms, "
            f"{ratio:.3f} of an inference that is not watched ({profile['whole_ms']:.3f} ms)",
            f"peak, measured: {profile['peak_gflops']:.3g} GFLOP/s of {profile['peak_of']}"
            + (f", {memory:.3g} GB/s" if memory else ""),
        ]
    )
