"""Run named phases one after the other: say what begins, keep what each did, write its module."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depthbench import cancellation
from depthbench.errors import InputError
from depthbench.files import write_whole
from depthbench.progress import Progress

if TYPE_CHECKING:
    import tvm


@dataclass(frozen=True)
class Phase:
    """A step from one module to the next, left out unless `when`.

    `run` returns the module, or the module and an account of what was done.
    """

    name: str
    run: Callable[[tvm.IRModule], Any]
    when: bool = True


class Observer:
    """Hears of a compilation: a line as each stage begins, the module after each phase.

    Modules are written as script text into the folder `dump`, which must be new or empty: raises
    InputError where it is not.
    """

    def __init__(self, progress: Progress = lambda line: None, dump: Path | None = None) -> None:
        self._progress = progress
        self._dump = dump
        self._written = 0
        if dump is not None and dump.exists() and (not dump.is_dir() or any(dump.iterdir())):
            raise InputError(f"{dump}: not an empty folder", advice="choose a new one for the dump")

    def begin(self, stage: str) -> None:
        """Say which stage begins, unless all work is cancelled: then raise KeyboardInterrupt."""
        cancellation.check()
        self._progress(stage)

    def after(self, phase: str, mod: tvm.IRModule) -> None:
        """Take note of the module that a phase has made."""
        if self._dump is None:
            return
        self._written += 1
        file = self._dump / f"{self._written:02d}-{phase.replace('_', '-')}.py"
        write_whole(file, f"{mod.script(show_meta=False)}\n".encode())

    def run(
        self, phases: Sequence[Phase], mod: tvm.IRModule
    ) -> tuple[tvm.IRModule, dict[str, Any]]:
        """The module after all phases, and what those that keep an account did, by name."""
        done: dict[str, Any] = {}
        for phase in phases:
            if not phase.when:
                continue
            result = phase.run(mod)
            mod = result
            if isinstance(result, tuple):
                mod, done[phase.name] = result
            self.after(phase.name, mod)
        return mod, done
