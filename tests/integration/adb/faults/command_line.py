"""Starts `depthbench` commands and looks at what they do; see `commands.py`."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

HERE = Path(__file__).parent


class Command:
    """A `depthbench` command in a process of its own; see `commands.py`."""

    def __init__(self, pid: int, folder: Path, wait: Callable[[int], int]) -> None:
        self.pid = pid
        self.folder = folder
        self._wait = wait

    @property
    def running(self) -> bool:
        try:
            return psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def wait(self) -> int:
        """The exit code of a command that has ended, or minus the number of its signal."""
        return self._wait(self.pid)

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def text(self, name: str) -> str:
        """`stdout`, `stderr` or `progress` so far."""
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / name).read_text()
        return ""

    def delivered_ms(self) -> list[float]:
        """The samples that have come from the device so far."""
        return [float(line) * 1e3 for line in self.text("delivered").splitlines()]

    def records(self) -> list[dict[str, Any]]:
        with contextlib.suppress(FileNotFoundError):
            lines = (self.folder / "out/records.jsonl").read_text().splitlines()
            return [json.loads(line) for line in lines]
        return []

    def processes(self) -> list[str]:
        """Command lines of what it started and of itself, as far as they run; not adb's server."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                mine = process.environ().get("DEPTHBENCH_TEST") == str(self.folder)
                line = " ".join(process.cmdline())
                if (mine or process.pid == self.pid) and line and "fork-server" not in line:
                    found.append(line)
        return found


class Commands:
    """Starts commands."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "commands.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        assert self._answer() == "ready"

    def start(self, folder: Path, *arguments: str) -> Command:
        folder.mkdir(parents=True, exist_ok=True)
        pid = int(self._ask({"run": arguments, "folder": str(folder)}))
        return Command(pid, folder, lambda pid: int(self._ask({"wait": pid})))

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)

    def _ask(self, order: dict[str, object]) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()
