"""A guarded process ends with all that it has started, in whatever session, however it is ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

PROGRAM = """
import subprocess, sys, time
from depthbench.guard import go_on_guarded
go_on_guarded()
code = "import subprocess, time; subprocess.Popen(['sleep', '99'], start_new_session=True)"
subprocess.Popen([sys.executable, "-c", code + "; time.sleep(0.1)"], start_new_session=True)
subprocess.Popen(["sleep", "98"], start_new_session=True)
open(sys.argv[1], "w").close()
time.sleep(97)
"""


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], list[psutil.Process]]]:
    """A guard, and what it guards: a process, its children, and one whose parent has ended."""
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "ready")],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    guard = psutil.Process(program.pid)

    def sleepers() -> set[str]:
        lines = [one.cmdline() for one in guard.children(recursive=True)]
        return {line[1] for line in lines if line[:1] == ["sleep"]}

    wait_until(lambda: sleepers() == {"98", "99"} and (tmp_path / "ready").exists())
    inside = guard.children(recursive=True)
    yield program, inside
    for process in inside:
        if process.is_running():
            process.kill()
    program.kill()
    program.wait()
    assert program.stdin is not None
    program.stdin.close()


def wait_until(true: Callable[[], bool], limit_s: float = 20.0) -> None:
    end = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def assert_all_gone(inside: list[psutil.Process]) -> None:
    assert len(inside) >= 3
    _, alive = psutil.wait_procs(inside, timeout=10)
    assert not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]


Guarded = tuple[subprocess.Popen[bytes], list[psutil.Process]]


def test_all_end_when_standard_input_closes(guarded: Guarded) -> None:
    program, inside = guarded
    assert program.stdin is not None
    program.stdin.close()
    assert program.wait(10) == -signal.SIGKILL
    assert_all_gone(inside)


def test_all_end_when_the_process_is_killed(guarded: Guarded) -> None:
    program, inside = guarded
    (child,) = [one for one in inside if one.ppid() == program.pid and "-c" in one.cmdline()]
    os.kill(child.pid, signal.SIGSTOP)  # a stopped process ends too
    os.kill(child.pid, signal.SIGKILL)
    assert program.wait(10) == -signal.SIGKILL
    assert_all_gone(inside)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_all_end_when_the_guard_is_asked_to(guarded: Guarded, number: signal.Signals) -> None:
    program, inside = guarded
    program.send_signal(number)
    assert program.wait(10) == -signal.SIGKILL
    assert_all_gone(inside)


def test_the_guard_ends_as_the_process_did() -> None:
    code = "import sys; from depthbench.guard import go_on_guarded; go_on_guarded(); sys.exit(7)"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as program:
        assert program.wait(20) == 7  # `run` would close its input, which ends it
