"""Options and arguments that commands share, each with one meaning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bench.cli.output import note
from bench.cli.parameter_types import (
    DATA,
    DEVICE,
    FILE,
    FOLDER,
    MODEL,
    NETWORK,
    PRECISION,
    PROTOCOL,
    SPLIT,
    TARGET,
    InputShape,
)

FLAGSHIP = "mobiledepth"
OUT = Path("out")
BY_DEFAULT = "the phone that is ready, else local, else emulated; a line says which"
RECORDS = "records.jsonl"


class DeviceCommand(click.Command):
    """A command whose help ends with how devices are named."""

    by_default = BY_DEFAULT

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """A line for every form of every kind of device, and which is taken by default."""
        from android_rpc.devices.factory import device_forms

        with formatter.section("Devices"):
            formatter.write_dl([*device_forms().items(), ("by default", self.by_default)])
        super().format_epilog(ctx, formatter)


class HereByDefault(DeviceCommand):
    """One that needs no device."""

    by_default = "none: the model runs in this process"


network_argument = click.argument("name", default=FLAGSHIP, type=NETWORK)
model_argument = click.argument("model", default=FLAGSHIP, type=MODEL)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document on stdout."
)
out_option = click.option(
    "--out",
    type=FOLDER,
    default=OUT,
    show_default=True,
    help="Folder for models, artefacts and records.",
)
threads_option = click.option(
    "--threads",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many cores one inference may use at once.",
)
precision_option = click.option(
    "--precision",
    type=PRECISION,
    help="How weights are kept and products are taken: fp32, fp16 or int8. Inputs and outputs are "
    "float32; a model that is not quantised is quantised for int8.  [default: the model's own]",
)
input_shape_option = click.option(
    "--input-shape",
    "shapes",
    multiple=True,
    type=InputShape(),
    metavar="NAME=1x3xHxW",
    help="The shape of an input that the model leaves open; repeat for several.",
)
data_option = click.option(
    "--data",
    type=DATA,
    help="rooms, nyu, or the path of a data set.  [default: nyu where it is present, else rooms]",
)
split_option = click.option(
    "--split",
    type=SPLIT,
    default="test",
    show_default=True,
    help="Which part of the data set.",
)
device_option = click.option("--device", type=DEVICE, help="See Devices below.")
devices_option = click.option(
    "--device",
    "devices",
    multiple=True,
    type=DEVICE,
    help="See Devices below; may be given several times.",
)
cores_option = click.option(
    "--cores", help="The device's cores to use: 4-7.  [default: all A76 of the fastest]"
)
record_option = click.option(
    "--records",
    type=FILE,
    help=f"The .jsonl file that measurements are appended to.  [default: OUT/{RECORDS}]",
)


protocol_option = click.option(
    "--protocol",
    type=PROTOCOL,
    help="paper, eigen, fastdepth, aligned or median.  [default: eigen; aligned for what the model "
    "gives up to scale]",
)

intrinsics_option = click.option(
    "--intrinsics",
    type=float,
    nargs=4,
    metavar="FX FY CX CY",
    help="Of the camera, in pixels.  [default: as the picture's EXIF says]",
)
fov_option = click.option(
    "--fov",
    type=click.FloatRange(min=0, max=180, min_open=True, max_open=True),
    metavar="DEGREES",
    help="The camera's horizontal field of view.",
)


def target_option(default: str) -> Callable[[Any], Any]:
    """--target, which is what code is compiled for."""
    return click.option(
        "--target",
        type=TARGET,
        default=default,
        show_default=True,
        help="What to compile for: arm64-a76 or host.",
    )


def records_option(text: str) -> Callable[[Any], Any]:
    """--records, the files of measurements that are read; `text` says what they are read for."""
    return click.option(
        "--records", multiple=True, type=FILE, help=f"{text} Repeat for several files."
    )


def default_device() -> str:
    """The device to use when none is named; says on stderr which, and why."""
    from android_rpc.devices import factory

    device, why = factory.default_device()
    if device == "emulated":
        note(f"the emulated phone is used, whose times are no latency, since {why}")
    else:
        note(f"{device} is used: {why}")
    return device
