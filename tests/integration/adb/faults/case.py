"""One row of the fault matrix at work: the phone, the command, and the ways to hurt them."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.integration.adb.conftest import PhoneDouble
from tests.integration.adb.faults.command_line import Command, Commands

DEADLINE_S = 300.0
SAMPLES = 60
# In the midst of the samples, and of an inference.
MID_SAMPLING = 40
PIECE = 300_000  # bytes: less than the model, and less than the bundle
HOUR_S = 3600


class Case:
    """One row at work: the phone, the command, and the ways to hurt them."""

    def __init__(
        self, phone: PhoneDouble, commands: Commands, artefact: Path, folder: Path, clock: Path
    ) -> None:
        self.phone = phone
        self.folder = folder
        self.artefact = artefact
        self.host_clock = clock
        self._commands = commands
        self.command: Command
        self.others: list[Command] = []

    # What rows do before the command starts.

    def pull_after_a_piece(self) -> None:
        self.phone.order(f"unplug after {PIECE}")

    def pull_while_pushing(self) -> None:
        self.phone.shell("rm -rf /data/local/tmp/depthbench")
        self.pull_after_a_piece()

    def plan(self, text: str) -> None:
        (self.tmp / "plan").write_text(text)

    def fill_data(self, free: int = 0) -> None:
        space = os.statvfs(self.tmp)
        with (self.tmp / "filling").open("wb") as filling:
            os.posix_fallocate(filling.fileno(), 0, space.f_bavail * space.f_frsize - free)

    # What rows do while the model is held in the midst of an inference.

    def unplug(self) -> None:
        self.phone.order("unplug")

    def reboot(self) -> None:
        self.phone.order("reboot")

    def kill_server(self) -> None:
        self._servers()[0].kill()

    def kill_session(self) -> None:
        self._servers()[1].kill()

    def freeze(self) -> None:
        for process in self._servers():
            process.suspend()

    def forbid_memory(self) -> None:
        session = self._servers()[1]
        limit = session.memory_info().vms + (32 << 20)
        session.rlimit(psutil.RLIMIT_AS, (limit, resource.RLIM_INFINITY))

    def kill_client(self) -> None:
        self.command.send(signal.SIGKILL)

    def press_ctrl_c_until_it_ends(self) -> None:
        self.command.send(signal.SIGINT)

        def ended() -> bool:
            self.command.send(signal.SIGINT)
            return not self.command.running

        wait(ended)

    def restart_adb(self) -> None:
        adb("kill-server")
        adb("start-server")

    def set_phone_clock(self, hours: int) -> None:
        set_clock(self.phone.root / "system/clock_shift", hours)

    def set_host_clock(self, hours: int) -> None:
        set_clock(self.host_clock, hours)

    def jump(self, set_clock: Callable[[int], None], hours: int) -> None:
        """In two inferences in a row: of those that a request begins with, none is counted."""
        set_clock(hours)
        (self.tmp / "reached").unlink()
        self.plan(f"{MID_SAMPLING + 1} wait")
        (self.tmp / "go").touch()
        self.wait_until_held()
        set_clock(2 * hours)

    def heat_and_cool(self) -> None:
        """Warm while it measures; cool when the next session waits for that."""
        battery = self.phone.root / "sys/class/power_supply/battery/temp"
        battery.write_text("450\n")
        self.let_go()
        wait(lambda: "too warm: battery 45.0 °C" in self.command.text("progress"))
        battery.write_text("285\n")

    def start_another(self) -> None:
        self.others.append(self.start("other"))

    # The parts of a run.

    @property
    def tmp(self) -> Path:
        return self.phone.root / "data/local/tmp"

    def start(self, name: str, *options: str) -> Command:
        words = ["rpc-measure", str(self.artefact), "--device", f"adb:{self.phone.serial}"]
        words += ["--warmup", "0", "--samples", str(SAMPLES), *options]
        return self._commands.start(self.folder / name, *words)

    def wait_until_held(self) -> None:
        """The model has reached the call that the plan names."""

        def reached() -> bool:
            assert self.command.running, self.command.text("stderr")
            return (self.tmp / "reached").exists()

        wait(reached)

    def wait_for_end(self, command: Command) -> int:
        wait(lambda: not command.running)
        return command.wait()

    def measure_again(self) -> None:
        """Into the same records: what a killed client left becomes one of them."""
        records = self.command.folder / "out/records.jsonl"
        again = self.start("again", "--samples", "1", "--records", str(records))
        assert self.wait_for_end(again) == 0, again.text("stderr")

    def let_go(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            (self.tmp / "plan").unlink()
        (self.tmp / "go").touch()

    def repair(self) -> None:
        """Everything that a row may have broken by itself."""
        for name in ("plan", "reached", "go", "filling"):
            (self.tmp / name).unlink(missing_ok=True)
        self.set_phone_clock(0)
        self.set_host_clock(0)
        self.phone.replug()

    def _servers(self) -> list[psutil.Process]:
        """The server's process on the phone and that of its session."""
        found = []
        for process in psutil.Process(self.phone.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):  # it has just ended
                if "--die-with-stdin" in process.cmdline():
                    found.append(process)
        return sorted(found, key=lambda process: process.ppid() in [one.pid for one in found])


def set_clock(file: Path, hours: int) -> None:
    """In place: processes have mapped the file."""
    with file.open("r+b") as shift:
        shift.write((hours * HOUR_S).to_bytes(8, "little", signed=True))


def wait(condition: Callable[[], object]) -> None:
    """Until the condition holds; the limit is for a machine that is very busy."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "not within the test's limit"
        time.sleep(0.02)


def adb(*words: str) -> str:
    return subprocess.run(["adb", *words], capture_output=True, text=True, timeout=60).stdout
