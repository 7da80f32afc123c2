"""Options and arguments that commands share, each with one meaning."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from bench.cli.output import note
from depthbench.errors import InputError
from depthbench.suggest import did_you_mean

FLAGSHIP = "mobiledepth"
OUT = Path("out")
RECORDS = "records.jsonl"
FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)


class Name(click.ParamType):
    """One of some names, which are imported when they are needed and completed by the shell.

    With `others`, a file or a longer specification will do as well, and the command decides.
    """

    def __init__(
        self, kind: str, names: Callable[[], Iterable[str]], *, others: bool = False
    ) -> None:
        self.name = kind
        self._names = names
        self._others = others

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name; raises InputError with the nearest where it is unknown."""
        if not self._others and value not in (names := list(self._names())):
            raise InputError(f"unknown {self.name} {value!r}", advice=did_you_mean(value, names))
        return str(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The names that begin so, and of files what the shell knows."""
        found = [CompletionItem(name) for name in self._names() if name.startswith(incomplete)]
        files = [CompletionItem(incomplete, type="file")] if self._others else []
        return files + found


def _networks() -> Iterable[str]:
    from depthnet import zoo

    return zoo.names()


def _targets() -> Iterable[str]:
    from compile import targets

    return targets.NAMES


def _precisions() -> Iterable[str]:
    from compile import precision

    return precision.NAMES


def _protocols() -> Iterable[str]:
    from depthnet.scoring import protocols

    return protocols.PROTOCOLS


def _splits() -> Iterable[str]:
    from depthnet.data import splits

    return splits.SPLITS


def _data_sets() -> Iterable[str]:
    from depthnet import data

    return data.NAMES


def _devices() -> Iterable[str]:
    from android_rpc.devices.factory import device_forms

    # what stands for a name of the user's own is in capitals
    return [re.split("[A-Z]", form)[0] for form in device_forms()]


def _runtimes() -> Iterable[str]:
    from bench.runtimes import registry

    return registry.declarations()


class InputShape(click.ParamType):
    """NAME=1x3xHxW as a name and a shape."""

    name = "shape"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, tuple[int, ...]]:
        """Name and shape; fails for anything but positive edges."""
        name, _, shape = str(value).rpartition("=")
        edges = shape.split("x")
        if not name or not all(edge.isdecimal() and int(edge) > 0 for edge in edges):
            self.fail(f"'{value}': write NAME=1x3x224x224", param, ctx)
        return name, tuple(map(int, edges))


Shapes = tuple[tuple[str, tuple[int, ...]], ...]
"""What --input-shape gives."""

NETWORK = Name("network", _networks)
MODEL = Name("model", _networks, others=True)
RUNTIME = Name("runtime", _runtimes)


class DevicesOption(click.Option):
    """An option whose help begins with how devices are named."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The option and its help, for which every kind of device is looked up."""
        from android_rpc.devices.factory import device_forms

        forms = "; ".join(f"{form} for {meaning}" for form, meaning in device_forms().items())
        option = copy.copy(self)
        option.help = f"{forms}; {self.help}"
        return super(DevicesOption, option).get_help_record(ctx)


DEVICE = Name("device", _devices, others=True)

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
    type=Name("precision", _precisions),
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
    type=Name("data set", _data_sets, others=True),
    help="rooms, nyu, or the path of a data set.  [default: nyu where it is present, else rooms]",
)
split_option = click.option(
    "--split",
    type=Name("split", _splits),
    default="test",
    show_default=True,
    help="Which part of the data set.",
)
device_option = click.option(
    "--device",
    type=DEVICE,
    help="emulated, or adb or adb:SERIAL for a phone.  [default: the phone on the cable, without "
    "one the emulated phone]",
)
devices_option = click.option(
    "--device",
    "devices",
    cls=DevicesOption,
    multiple=True,
    type=DEVICE,
    help="may be given several times.  [default: the phone on the cable, without one the emulated "
    "phone]",
)
cores_option = click.option(
    "--cores", help="The phone's cores to use: 4-7.  [default: all A76 of the fastest]"
)
record_option = click.option(
    "--records",
    type=FILE,
    help=f"The .jsonl file that measurements are appended to.  [default: OUT/{RECORDS}]",
)


def target_option(default: str) -> Callable[[Any], Any]:
    """--target, which is what code is compiled for."""
    return click.option(
        "--target",
        type=Name("target", _targets),
        default=default,
        show_default=True,
        help="What to compile for: arm64-a76 or host.",
    )


def protocol_option(default: str | None = "eigen") -> Callable[[Any], Any]:
    """--protocol, the rule by which depth is scored."""
    return click.option(
        "--protocol",
        type=Name("protocol", _protocols),
        default=default,
        show_default=default is not None,
        help="paper, eigen, fastdepth, aligned or median.",
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
