"""The ways to reach a machine that runs the bundle: what a phone and a board have in common."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path, PurePosixPath

from depthbench.errors import DeviceError, RequestRefused, StorageFull
from depthbench.progress import Progress

REQUEST_S = 30.0
# Below Android's and Linux's ranges of ports that are handed out at random.
PORTS = range(20000, 30000)
# Programs pass on what the C library calls these errors, and not their numbers.
NO_SPACE = tuple(map(os.strerror, (errno.ENOSPC, errno.EDQUOT)))


class Transport:
    """A machine that can be reached: by a cable, over ssh, or because it is this one.

    `serial` is what it is called there, `noun` what it is, and `name` how a command line says it:
    `R58`, `phone` and `adb:R58`. Where it `shares_loopback` with this machine no rules are needed
    to connect the two. All requests raise RequestRefused when the machine answers that it does
    not do what was asked, and DeviceError when it does not answer.
    """

    serial: str
    noun: str
    name: str
    shares_loopback = False

    def __str__(self) -> str:
        return f"{self.noun} {self.serial}"

    @property
    def home(self) -> PurePosixPath:
        """The folder of depthbench there, which programs can be run from; it may not exist."""
        raise NotImplementedError

    @property
    def connected(self) -> bool:
        """Whether the machine is there and answers."""
        raise NotImplementedError

    def command(self, script: str) -> list[str]:
        """The words of a local process that runs a POSIX shell's script there.

        Its standard input, output, error and exit code are the script's; when it is ended, the
        script's input closes.
        """
        raise NotImplementedError

    def shell(self, script: str, timeout_s: float = REQUEST_S) -> str:
        """What a POSIX shell's script prints there; RequestRefused unless its exit code is 0."""
        raise NotImplementedError

    def push(self, sources: Sequence[Path], folder: str) -> None:
        """Copies files, with their modes, into a folder there; StorageFull when it has no room."""
        raise NotImplementedError

    def add_rule(self, kind: str, port: int, leads_to: int) -> None:
        """Makes a port of one loopback interface lead to one of the other.

        `forward` leads from `port` here to `leads_to` there, `reverse` from there to here. Raises
        RequestRefused when the port has a rule already.
        """
        raise NotImplementedError

    def remove_rule(self, kind: str, port: int, leads_to: int) -> None:
        """Removes a rule where it is just this one."""
        raise NotImplementedError

    def remove_folder(self, folder: str) -> None:
        """Removes a folder there, and ends the processes whose command line names it."""
        # in brackets, so that this very command does not name it
        name = f"{folder[:-1]}[{folder[-1]}]"
        self.shell(
            f"p=$(grep -l {name} /proc/[0-9]*/cmdline 2>/dev/null); "
            'for p in $p; do p=${p#/proc/}; kill -9 "${p%/cmdline}" 2>/dev/null; done; '
            f"rm -rf {name}"
        )

    def in_use(self, progress: Progress, wait_s: float) -> AbstractContextManager[None]:
        """Keeps clients on other machines away for a block, where the machine may have such.

        Waits for one that measures there now; DeviceError when it takes longer than `wait_s`.
        """
        return nullcontext()

    def close(self) -> None:
        """Ends what requests have in common; the next request begins it again."""

    @property
    def unbroken(self) -> bool:
        """Whether the machine answers, and has been in reach since the first request."""
        return self.connected

    @contextmanager
    def kept(self, model: str) -> Iterator[None]:
        """Says of an error in the block, when the machine called `model` is gone, that it is."""
        try:
            yield
        except DeviceError as error:
            if self.unbroken:
                raise
            raise DeviceError(
                f"{self} ({model}) is gone: switched off, restarting, or the connection was cut",
                advice="see that it is up and in reach, and run again",
            ) from error


def refused(where: Transport, said: str) -> RequestRefused:
    """The error of a request to which the machine has answered no, with the words it said."""
    if any(full in said for full in NO_SPACE):
        advice = "free some of its storage, and run again"
        return StorageFull(f"{where}: no space left on the {where.noun}", advice=advice)
    return RequestRefused(f"{where}: {said}")
