"""An arm64 program run under QEMU, with its blocks of instructions counted into a file.

QEMU has a plugin of ours count where it can load one, as Debian's `qemu-user` can up to bookworm.
One that is linked statically cannot: it writes a line to its log whenever it enters a block,
which a small program of ours counts, and takes two to three times as long.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.cost.counting import programs
from depthbench.emulator import CPU_MODEL, find_emulator, find_plugin_emulator, plugin_options
from depthbench.errors import CheckFailed, ToolMissing
from depthbench.processes import ChildProcess, child_process

LOG_ITEMS = "in_asm,exec,nochain"
_PROGRAM = "the emulated program"


@dataclass(frozen=True)
class Plugin:
    """A plugin of ours for QEMU: its C file, the file that it writes, and what it is told."""

    source: Path
    file: Path
    arguments: Mapping[str, str] = field(default_factory=dict)


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    file: Path,
    limit_s: float,
    addresses: tuple[int, int] | None = None,
    thread: int | None = None,
) -> None:
    """Runs `command` to its end; `file` has the counts then, as native/blocks.h describes them.

    With `addresses`, the first and the last, only code that lies there is counted, with `thread`,
    from 0 on, only what that thread of the program ran. Raises CheckFailed when the program ends
    in an error or takes longer than `limit_s` seconds, OSError when the disk is full, ToolMissing
    without an emulator, or without one that loads plugins where threads are told apart.
    """
    emulator = find_plugin_emulator()
    one = {} if thread is None else {"thread": str(thread)}
    plugin = Plugin(programs.BLOCK_PLUGIN, file, one)
    if emulator is not None and run_with_plugins(
        emulator, [plugin], command, environment, limit_s, addresses
    ):
        return
    if thread is not None:
        raise ToolMissing(
            "QEMU loads no plugins here, and its log does not tell threads apart",
            advice="install a qemu-aarch64 that is not linked statically, such as Debian 12's",
        )
    run_with_log(command, environment, file, limit_s, addresses)


def run_with_plugins(
    emulator: str,
    plugins: Sequence[Plugin],
    command: Sequence[str],
    environment: Mapping[str, str],
    limit_s: float,
    addresses: tuple[int, int] | None = None,
) -> bool:
    """Does what `run` does, with one or more plugins at once.

    False where the emulator does not load one of them.
    """
    limits = dict(zip(("first", "last"), map(hex, addresses or ()), strict=False))
    options = []
    for plugin in plugins:
        library = programs.emulator_plugin(plugin.source, emulator)
        options += plugin_options(library, counts=str(plugin.file), **limits, **plugin.arguments)
    emulate = [emulator, "-cpu", CPU_MODEL, *options, *command]
    with child_process(emulate, environment, leave_s=0) as emulated:
        in_time = emulated.wait(limit_s)
        # a plugin begins with making its file
        if emulated.exit_code and not all(plugin.file.exists() for plugin in plugins):
            return False
        _check(emulated, in_time, _PROGRAM, plugins[0].file)
    return True


def run_with_log(
    command: Sequence[str],
    environment: Mapping[str, str],
    file: Path,
    limit_s: float,
    addresses: tuple[int, int] | None = None,
) -> None:
    """Does what `run` does, with QEMU's log."""
    deadline = time.monotonic() + limit_s
    counter, emulator = programs.counter(), find_emulator()
    only = ["-dfilter", f"{addresses[0]:#x}..{addresses[1]:#x}"] if addresses else []
    reading, writing = os.pipe()
    try:
        log = ["-cpu", CPU_MODEL, "-d", LOG_ITEMS, "-D", f"/proc/self/fd/{writing}", *only]
        count = [str(counter), str(reading), str(file)]
        with child_process(count, pass_fds=[reading], leave_s=0) as counting:
            os.close(reading)
            reading = -1
            emulate = [emulator, *log, *command]
            with child_process(emulate, environment, [writing], leave_s=0) as emulated:
                os.close(writing)
                writing = -1
                in_time = emulated.wait(deadline - time.monotonic())
                if counting.exit_code:  # the emulator cannot write on then
                    _check(counting, True, "the counter", file)
                _check(emulated, in_time, _PROGRAM, file)
            in_time = counting.wait(deadline - time.monotonic())
            _check(counting, in_time, "the counter", file)
    finally:
        for descriptor in (reading, writing):
            if descriptor >= 0:
                os.close(descriptor)


def _check(process: ChildProcess, in_time: bool, what: str, file: Path) -> None:
    if not in_time:
        raise CheckFailed(f"{what} did not end within its time limit")
    if process.exit_code:
        # why it ended may have had no space either
        if not shutil.disk_usage(file.parent).free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise CheckFailed(f"{what} ended, {process.why_ended()}")
