"""Children end with their block."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import psutil
import pytest

from depthbench.one_line import one_line
from depthbench.processes import child_process

UNTIL_STDIN_CLOSES = ["sh", "-c", "cat; exit 0"]


def gone(pid: int, limit_s: float = 2.0) -> bool:
    """Whether the process ends within the limit; a killed one takes a moment."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.01)
    return False


def test_a_child_ends_when_its_input_closes() -> None:
    started = time.monotonic()
    with child_process(UNTIL_STDIN_CLOSES) as child:
        assert child.running
        assert os.getpgid(child.pid) == child.pid != os.getpgrp()
    assert gone(child.pid)
    assert time.monotonic() - started < 2


def test_a_child_that_stays_is_killed_with_its_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("depthbench.processes.LEAVE_S", 0.2)
    with child_process(["sh", "-c", "trap '' TERM HUP; sleep 100 & sleep 100; sleep 100"]) as child:
        while not (sleepers := psutil.Process(child.pid).children()):
            time.sleep(0.01)
    assert gone(child.pid)
    assert all(gone(sleeper.pid) for sleeper in sleepers)


def test_children_end_on_an_exception() -> None:
    with pytest.raises(KeyboardInterrupt), child_process(UNTIL_STDIN_CLOSES) as child:
        raise KeyboardInterrupt
    assert gone(child.pid)


def test_a_second_interrupt_does_not_leave_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt), child_process(["sleep", "100"]) as child:
        pass
    assert gone(child.pid)


def test_why_a_child_ended() -> None:
    with child_process(["sh", "-c", "echo first >&2; echo 'no  such thing' >&2; exit 3"]) as child:
        while child.running:
            time.sleep(0.01)
        assert child.why_ended() == "exit code 3: no  such thing"
    with child_process(["sh", "-c", "kill -9 $$"]) as child:
        while child.running:
            time.sleep(0.01)
        assert child.why_ended() == "signal 9: no reason given"


def test_a_program_that_does_not_exist() -> None:
    with pytest.raises(FileNotFoundError), child_process(["/nonexistent/program"]):
        pass


def test_a_child_gets_only_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAKED", "1")
    program = "import os, sys; sys.exit('LEAKED' in os.environ)"
    with child_process([sys.executable, "-c", program], {"PATH": ""}) as child:
        while child.running:
            time.sleep(0.01)
        assert child.why_ended().startswith("exit code 0")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nb\n\n", "b"),
        ("", "no reason given"),
        (" \n ", "no reason given"),
        ("x" * 400, "x" * 297 + "..."),
    ],
)
def test_one_line(text: str, line: str) -> None:
    assert one_line(text) == line
