"""The ways to reach a machine that runs the bundle: what a phone and a board have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from depthbench.errors import DeviceError

REQUEST_S = 30.0
# Below Android's and Linux's ranges of ports that are handed out at random.
PORTS = range(20000, 30000)
LOST = "switched off, restarting, or its connection is cut"


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

    @contextmanager
    def kept(self, model: str) -> Iterator[None]:
        """Says of an error in the block, when the machine called `model` is gone, that it is."""
        try:
            yield
        except DeviceError as error:
            if self.connected:
                raise
            raise DeviceError(
                f"{self} ({model}) is gone: {LOST}", advice="see that it is up, and run again"
            ) from error
