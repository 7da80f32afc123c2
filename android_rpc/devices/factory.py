"""From a device's specification to the device: every module that declares a `KIND` is looked up."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache

import android_rpc.devices
from android_rpc.devices.device import Device
from android_rpc.devices.device_pool import DevicePool, OwnDevicePool
from android_rpc.devices.kind import DeviceKind, Setup
from depthbench.errors import DeviceError, InputError, ToolMissing
from depthbench.progress import Progress
from depthbench.suggest import did_you_mean


@cache
def kinds() -> Sequence[DeviceKind]:
    """Every kind of device, by name in alphabetical order; opens none."""
    modules = (
        importlib.import_module(f"{android_rpc.devices.__name__}.{module.name}")
        for module in pkgutil.iter_modules(android_rpc.devices.__path__)
    )
    found: list[DeviceKind] = [m.KIND for m in modules if hasattr(m, "KIND")]
    return sorted(found, key=lambda kind: kind.name)


def device_forms() -> dict[str, str]:
    """How devices are named, for help texts: each form, and what it stands for."""
    return {form: meaning for kind in kinds() for form, meaning in kind.forms.items()}


def open_device_pool(
    specifications: Sequence[str],
    threads: int = 1,
    progress: Progress = lambda line: None,
    cores: Sequence[int] | None = None,
) -> DevicePool:
    """The devices of a command line; see `device_forms`.

    Raises InputError when one is named twice, or those that others use too together with more.
    """
    setup = Setup(threads, cores, progress)
    names = [one for name in specifications for one in find_kind(name).every(name)]
    for name in names:
        if open_pool := find_kind(name).open_pool:
            if len(names) > 1 or cores:
                raise InputError(
                    f"{name}: devices that others use too are used alone, and on their cores",
                    advice="name no other --device, and no --cores",
                )
            return open_pool(name, setup)
    single = [name for name in names if not find_kind(name).emulated]
    if twice := {name for name in single if single.count(name) > 1}:
        raise InputError(f"--device {', '.join(sorted(twice))}: named twice")
    return OwnDevicePool([open_device(name, threads, progress, cores) for name in names])


def open_device(
    specification: str = "emulated",
    threads: int = 1,
    progress: Progress = lambda line: None,
    cores: Sequence[int] | None = None,
) -> Device:
    """The one device of a specification; see `device_forms`.

    `threads` is for devices that are served here, `cores` for a phone, which otherwise computes
    on the Cortex-A76 of its fastest cluster. Raises InputError for a specification that names no
    device, ToolMissing when what the device needs is not installed, and DeviceError when a phone
    is not ready.
    """
    kind = find_kind(specification)
    if cores and not kind.chooses_cores:
        able = ", ".join(kind.name for kind in kinds() if kind.chooses_cores)
        raise InputError(
            f"{specification!r}: the cores of such a device cannot be chosen",
            advice=f"leave --cores out; it is for {able}",
        )
    return kind.open(specification, Setup(threads, cores, progress))


def default_device() -> tuple[str, str]:
    """The device to use when none is named, and why.

    A phone that is ready, else this machine where it is an arm64 board, else the emulated phone.

    Raises InputError when several phones are ready and $ANDROID_SERIAL names none of them.
    """
    why_not = ""
    for kind in sorted(kinds(), key=lambda kind: kind.emulated):
        if kind.find is None:
            continue
        try:
            return kind.find(), why_not or kind.found
        except (DeviceError, ToolMissing) as error:
            why_not = why_not or error.message
    raise DeviceError(f"no device is ready: {why_not}")


def find_kind(specification: str) -> DeviceKind:
    """The kind of device that a specification names; raises InputError where there is none."""
    for kind in kinds():
        if kind.takes(specification):
            return kind
    forms = ", ".join(device_forms())
    names = [kind.name for kind in kinds()]
    advice = did_you_mean(specification, names, f"give one of {forms}")
    raise InputError(f"unknown device {specification!r}", advice=advice)
