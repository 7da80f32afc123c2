"""QEMU's user-mode emulator for arm64: programs of a phone, one instruction after the other."""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path

from depthbench.errors import ToolMissing
from depthbench.processes import run_program

EMULATORS = ("qemu-aarch64", "qemu-aarch64-static")
INSTALL = "sudo apt-get install qemu-user"
CPU_MODEL = "cortex-a76"


def find_emulator() -> str:
    """Its path, or ToolMissing, with the command that installs it."""
    for program in EMULATORS:
        if found := shutil.which(program):
            return found
    raise ToolMissing(f"{EMULATORS[0]} is not installed", advice=INSTALL)


def find_plugin_emulator() -> str | None:
    """The path of an emulator that loads plugins, or None: one that is linked statically cannot.

    Whether it takes a plugin of ours, made for one version of its interface, shows when it runs.
    """
    for program in EMULATORS:
        # the version is printed before any plugin would be loaded
        options = [*plugin_options(Path(os.devnull)), "-version"]
        if (found := shutil.which(program)) and not run_program(
            [found, *options], f"{program} does not run", check=False
        ).exit_code:
            return found
    return None


def emulator_version(emulator: str) -> str:
    """The first line of its `--version`, for example `qemu-aarch64 version 7.2.22`."""
    failure = partial(ToolMissing, advice=INSTALL)
    done = run_program([emulator, "--version"], f"{emulator} does not run", failure=failure)
    return done.output.partition("\n")[0].strip()


def emulator_release(emulator: str) -> tuple[int, int]:
    """Its major and minor version, 7 and 2 for example; ToolMissing where it tells none."""
    words = emulator_version(emulator).split()
    try:
        major, minor = words[words.index("version") + 1].split(".")[:2]
        return int(major), int(minor)
    except ValueError:
        raise ToolMissing(f"{emulator} tells no version", advice=INSTALL) from None


def plugin_options(plugin: Path, **arguments: str) -> list[str]:
    """The emulator's options that load a plugin; it is given `arguments` as NAME=VALUE."""
    words = [f"file={plugin}", *(f"{name}={value}" for name, value in arguments.items())]
    return ["-plugin", ",".join(word.replace(",", ",,") for word in words)]
