"""What the file of a kind of device declares, as `KIND`, for the factory to find."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from android_rpc.devices.device import Device
from android_rpc.devices.device_pool import DevicePool
from depthbench.progress import Progress


@dataclass(frozen=True)
class Setup:
    """How a device is to be used: threads of its server, and the cores that compute, if chosen."""

    threads: int = 1
    cores: Sequence[int] | None = None
    progress: Progress = lambda line: None


def _itself(specification: str) -> Sequence[str]:
    return [specification]


@dataclass(frozen=True)
class DeviceKind:
    """A kind of device: how it is named on a command line, and what opens it.

    `forms` are the ways to write a specification, with what each means, for help texts; they are
    the `name` or begin with it and a colon. `aliases` stand for the name.

    `open` makes a device of a specification. It raises InputError for one of no known form,
    ToolMissing when what the device needs is not installed, DeviceError when it is not ready.
    `every` lists the devices of a specification that stands for several. `open_pool` is for kinds
    whose specification names devices that others use too. `find` is for kinds that may be used
    when no device is named: it gives the specification of one that is ready, which `found`
    describes, and raises DeviceError or ToolMissing when there is none, InputError when several
    could be meant. A device that is no `emulated` one is preferred.
    """

    name: str
    forms: Mapping[str, str]
    open: Callable[[str, Setup], Device]
    aliases: tuple[str, ...] = ()
    emulated: bool = False
    chooses_cores: bool = False
    every: Callable[[str], Sequence[str]] = _itself
    open_pool: Callable[[str, Setup], DevicePool] | None = None
    find: Callable[[], str] | None = None
    found: str = ""

    def takes(self, specification: str) -> bool:
        """Whether a specification names a device of this kind, well or not."""
        name, colon, _ = specification.partition(":")
        if name not in (self.name, *self.aliases):
            return False
        return any((":" in form) == bool(colon) for form in self.forms)
