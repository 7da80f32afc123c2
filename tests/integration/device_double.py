"""What the test phone and the test board have in common: a program that takes orders."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import psutil

from depthbench.files import cache_folder


class DeviceDouble:
    """A device played by the folder `program`, which prints its port and then that it is ready."""

    process: subprocess.Popen[str]
    port: int

    def start(self, program: Path, *options: str) -> None:
        """Starts the program; it is up when `wait_until_ready` returns."""
        self.process = subprocess.Popen(
            [sys.executable, str(program), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.port = int(self._answer())

    def wait_until_ready(self) -> None:
        assert self._answer() == "ready"

    def end(self, device: str) -> None:
        """Ends the program, and forgets what this machine knows of `device`."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(60)
        finally:
            self.process.kill()
            self.process.wait()
            (cache_folder() / "devices" / quote(device, safe="")).unlink(missing_ok=True)

    def order(self, words: str) -> None:
        """`unplug`, `plug` and so on; see the program's `__main__.py`."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{words}\n")
        self.process.stdin.flush()
        assert self._answer() == "done"

    @property
    def inside(self) -> int:
        """The number of the process that is the device's first."""
        (inside,) = psutil.Process(self.process.pid).children()
        return int(inside.pid)

    @property
    def root(self) -> Path:
        """The device's file system as this machine sees it, also when it cannot be reached."""
        return Path(f"/proc/{self.inside}/root/mnt")

    def running(self, word: str = "") -> list[str]:
        """Command lines of what runs on the device beside its own server, without its help."""
        found = []
        for process in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                line = " ".join(process.cmdline())
                if "inside.py" not in line and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(line)
        return [line for line in found if word in line]

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()
