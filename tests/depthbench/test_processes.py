"""Children end with their block."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from depthbench.errors import DeviceError, ToolMissing
from depthbench.one_line import one_line
from depthbench.processes import child_process, run_program

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


def test_a_child_ends_when_its_input_closes(tmp_path: Path) -> None:
    ended = tmp_path / "ended by itself"
    with child_process(["sh", "-c", 'cat; touch "$0"', str(ended)]) as child:
        assert child.running
        assert os.getpgid(child.pid) == child.pid != os.getpgrp()
    assert gone(child.pid)
    assert ended.exists()


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


def test_a_program_is_run_to_its_end(tmp_path: Path) -> None:
    done = run_program(
        ["sh", "-c", 'cat; echo "$WHERE" >&2; pwd >&2'],
        "sh",
        text="a word",
        environment={"WHERE": "here"},
        folder=tmp_path,
    )
    assert (done.output, done.errors, done.exit_code) == ("a word", f"here\n{tmp_path}\n", 0)
    assert run_program(["sh", "-c", "exit 5"], "sh", check=False).exit_code == 5


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("echo no such thing >&2; exit 3", "it failed: no such thing"),
        ("echo printed; exit 3", "it failed: printed"),
        ("exit 3", "it failed: exit code 3"),
        ("kill -9 $$", "it failed: exit code -9"),
    ],
)
def test_a_failure_is_one_line(script: str, line: str) -> None:
    with pytest.raises(DeviceError, match=f"^{line}$"):
        run_program(["sh", "-c", script], "it failed", failure=DeviceError)


def test_a_program_that_is_not_there_is_a_missing_tool() -> None:
    with pytest.raises(ToolMissing, match=r"^it failed: /nonexistent/program cannot be started"):
        run_program(["/nonexistent/program"], "it failed", failure=DeviceError)


def test_a_program_that_takes_too_long_is_killed_with_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = f"sleep 100 & echo $$ $! > {pids}; sleep 100"
    with pytest.raises(DeviceError, match=r"^it failed: took longer than 0\.5 s$"):
        run_program(["sh", "-c", script], "it failed", failure=DeviceError, timeout_s=0.5)
    assert all(gone(int(pid)) for pid in pids.read_text().split())


def test_an_interrupt_ends_a_program_and_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        run_program(["sh", "-c", f"sleep 100 & echo $$ $! > {pids}; sleep 100"], "sh")
    assert all(gone(int(pid)) for pid in pids.read_text().split())


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
