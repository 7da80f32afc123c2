"""This machine, where it is a board itself."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path, PurePosixPath

from android_rpc.board.exclusive_use import exclusive_use
from android_rpc.board.home_folder import choose_home
from android_rpc.transport import REQUEST_S, Transport, refused
from depthbench.errors import DeviceError
from depthbench.processes import run_program
from depthbench.progress import Progress


class LocalHost(Transport):
    """This machine: nothing is connected, and files are copied."""

    noun = "board"
    name = "local"
    shares_loopback = True
    connected = True

    def __init__(self) -> None:
        self.serial = platform.node() or self.name

    @cached_property
    def home(self) -> PurePosixPath:
        """See `Transport.home`; it is there."""
        return choose_home(self)

    def command(self, script: str) -> list[str]:
        """See `Transport.command`."""
        return ["sh", "-c", script]

    def shell(self, script: str, timeout_s: float = REQUEST_S) -> str:
        """See `Transport.shell`."""
        done = run_program(
            self.command(script), str(self), failure=DeviceError, check=False, timeout_s=timeout_s
        )
        if done.exit_code:
            raise refused(self, done.reason)
        return done.output

    def push(self, sources: Sequence[Path], folder: str) -> None:
        """See `Transport.push`."""
        for source in sources:
            try:
                shutil.copy(source, folder)
            except OSError as error:
                raise refused(self, error.strerror or str(error)) from error

    def in_use(self, progress: Progress, wait_s: float) -> AbstractContextManager[None]:
        """See `Transport.in_use`; others may reach this board over ssh."""
        return exclusive_use(self, progress, wait_s)
