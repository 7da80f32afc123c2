"""QEMU's user-mode emulator for arm64: programs of a phone, one instruction after the other."""

from __future__ import annotations

import shutil

from depthbench.errors import ToolMissing

EMULATORS = ("qemu-aarch64-static", "qemu-aarch64")
INSTALL = "sudo apt-get install qemu-user-static"
CPU_MODEL = "cortex-a76"


def find_emulator() -> str:
    """Its path, or ToolMissing, with the command that installs it."""
    for program in EMULATORS:
        if found := shutil.which(program):
            return found
    raise ToolMissing(f"{EMULATORS[0]} is not installed", advice=INSTALL)
