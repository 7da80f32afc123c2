"""Types of arguments and options: what is refused, and what the shell completes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from depthbench.errors import InputError
from depthbench.suggest import did_you_mean

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


def _platforms() -> Iterable[str]:
    from compile.package import toolchain

    return toolchain.PLATFORMS


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


def _cores() -> Iterable[str]:
    from bench.cost.memory.core import CORES

    return CORES


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


class Clock(click.ParamType):
    """2.4GHz or 2400MHz as GHz."""

    name = "clock"
    lowest, highest = 0.2, 5.0

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The clock in GHz; fails for one without a unit, and for one that no core has."""
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ghz|mhz)", str(value).strip().lower())
        clock = float(match[1]) / (1000 if match[2] == "mhz" else 1) if match else 0.0
        if not self.lowest <= clock <= self.highest:
            self.fail(
                f"'{value}': write 2.4GHz or 2400MHz, from {self.lowest} to {self.highest} GHz",
                param,
                ctx,
            )
        return clock


Shapes = tuple[tuple[str, tuple[int, ...]], ...]
"""What --input-shape gives."""

NETWORK = Name("network", _networks)
MODEL = Name("model", _networks, others=True)
RUNTIME = Name("runtime", _runtimes)
DEVICE = Name("device", _devices, others=True)
CLOCK = Clock()
CORE = Name("core", _cores)
PRECISION = Name("precision", _precisions)
DATA = Name("data set", _data_sets, others=True)
SPLIT = Name("split", _splits)
TARGET = Name("target", _targets)
PLATFORM = Name("target", _platforms)
PROTOCOL = Name("protocol", _protocols)
