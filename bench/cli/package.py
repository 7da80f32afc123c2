"""`depthbench package`: a network as a C library for an app."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

from bench.cli.card_options import card_options
from bench.cli.options import (
    json_option,
    model_argument,
    out_option,
    precision_option,
    threads_option,
)
from bench.cli.output import emit, key_values
from bench.cli.parameter_types import FILE, FOLDER, PLATFORM
from bench.cli.progress import status
from bench.cli.unused_options import refuse_unused
from bench.model_card import Asked
from bench.report.numbers import megabytes
from depthbench.plural import counted

CHECKSUMS = (".md5", ".sha1", ".sha256")
"""Of a Maven repository: too many to be told."""


@click.command(name="package")
@model_argument
@click.option(
    "--target",
    "platform",
    type=PLATFORM,
    default="arm64-android",
    show_default=True,
    help="What the library runs on: arm64-android, arm64-linux or host.",
)
@precision_option
@threads_option
@click.option(
    "--weights",
    type=click.Choice(("library", "file")),
    default="library",
    show_default=True,
    help="Where the weights go: into the library, or into a file beside it that is mapped.",
)
@click.option(
    "-o",
    "--output",
    type=FOLDER,
    help="The package's folder to write.  [default: OUT/MODEL-TARGET-package]",
)
@card_options()
@click.option(
    "--tuned",
    type=FILE,
    help="Tuned choices to prefer.  [default: what `depthbench tune` last wrote]",
)
@click.option("--untuned", is_flag=True, help="Take no tuned choices, not even those shipped.")
@click.option("--force", is_flag=True, help="Make it even when nothing changed.")
@out_option
@json_option
def command(
    model: str,
    platform: str,
    precision: str | None,
    threads: int,
    weights: Literal["library", "file"],
    output: Path | None,
    asked: Asked,
    tuned: Path | None,
    untuned: bool,
    force: bool,
    out: Path,
    as_json: bool,
) -> None:
    """Compile MODEL into a C library for an app.

    The library needs neither TVM nor Python. MODEL is a network's name or an .onnx file.
    """
    from bench.package_service import describe_package, package_for

    if untuned:
        refuse_unused(["--tuned"], "--untuned takes no tuned choices")

    with status() as progress:
        package = package_for(
            model,
            platform,
            out,
            output=output,
            precision=precision,
            threads=threads,
            weights=weights,
            asked=asked,
            tuned=tuned,
            untuned=untuned,
            force=force,
            progress=progress,
        )
    document = describe_package(package)
    emit(document, as_json, lambda: _text(document))


def _text(made: dict[str, Any]) -> str:
    threads = made["threads"]
    cores = counted(threads, "thread")
    head = (
        f"{made['name']} for {made['package']['platform']}, {made['precision']}, {cores}: "
        f"{made['folder']}"
    )
    files = {
        name: megabytes(one["bytes"])
        for name, one in made["files"].items()
        if Path(name).suffix not in CHECKSUMS
    }
    shown = {
        "input": "; ".join(map(_port, made["inputs"])),
        "output": "; ".join(map(_port, made["outputs"])),
        "frames": "depth_run_frame takes a camera's"
        if made["package"]["image"]
        else "none: the network does not take one image and give a map of it",
        "checked": _check(made["check"]),
        "made": "before, and nothing has changed since" if made["reused"] else "now",
    }
    return "\n".join([head, "", key_values(shown), "", key_values(files)])


def _check(check: dict[str, Any]) -> str:
    shown = check.get("emulated") or check
    largest = max(shown["relative_difference"].values())
    return (
        f"{shown['where']}: the outputs differ from {check['against']} by {largest:.1e} at most, "
        f"relatively; allowed {shown['tolerance']:.0e}"
    )


def _port(port: dict[str, Any]) -> str:
    return f"{port['name']}, {'x'.join(map(str, port['shape']))} {port['dtype']}"
