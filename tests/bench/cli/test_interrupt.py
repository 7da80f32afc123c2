"""A signal that does not wake the call it arrives before ends the command all the same."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

# The main thread waits in a system call without an end; another thread gets the signal, so that
# nothing wakes the call, and says so on standard output.
PROGRAM = """
import ctypes, signal, sys, threading, time
from pathlib import Path
from bench.cli import interrupt

interrupt.install()
poll = ctypes.CDLL(None).poll
FUTEX = {"202", "98"}  # on x86-64 and arm64: a wait for Python's lock

def waits():
    words = Path(f"/proc/self/task/{threading.main_thread().native_id}/syscall").read_text().split()
    return words[0] not in {"running", *FUTEX}

def deliver():
    while not waits():
        time.sleep(0.01)
    signal.pthread_kill(threading.get_ident(), signal.SIGNUM)
    threading.Event().wait()

threading.Thread(target=deliver, daemon=True).start()
try:
    poll(None, 0, -1)
    sys.exit("the wait ended by itself")
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_that_wakes_no_call_is_obeyed(name: str) -> None:
    program = PROGRAM.replace("SIGNUM", signal.Signals[name].name)
    done = subprocess.run([sys.executable, "-c", program], timeout=60, check=False)
    assert done.returncode == 130
