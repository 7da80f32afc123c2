"""What a server's log makes of a connection that closed."""

from __future__ import annotations

import sys

import pytest

from android_rpc.devices import crash_diagnosis
from android_rpc.devices.crash_diagnosis import diagnosed
from depthbench.errors import ConnectionLost, DeviceError
from depthbench.processes import child_process

READY, BEFORE = "session=ready ms=80", "session=ended signal=11"


def break_off(*log: str, exit_code: int | None = None) -> str:
    """The error of a session with a server that logged these lines."""
    program = f"import sys; print({chr(10).join(log)!r}, file=sys.stderr, flush=True)"
    program += "; sys.stdin.read()" if exit_code is None else f"; sys.exit({exit_code})"
    with child_process([sys.executable, "-c", program]) as server:
        while "session" not in server.log():
            pass
        with pytest.raises(DeviceError) as error, diagnosed("adb:R58", server):
            raise ConnectionLost("device k: timing the model: closed", "timing the model")
    return str(error.value)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (11, "the model crashed (signal 11, SIGSEGV); compile it again with this version"),
        (4, "the model crashed (signal 4, SIGILL); it uses instructions that this CPU lacks"),
        (9, "the session was killed (signal 9, SIGKILL); most likely the device ran short of mem"),
    ],
)
def test_a_signal_is_named(number: int, said: str) -> None:
    message = break_off(BEFORE, READY, f"session=ended signal={number}")
    assert message.startswith(f"adb:R58: timing the model: {said}")


def test_why_a_server_refused_is_told() -> None:
    why = "rpc_server 10:00:00.000Z cannot run on the chosen CPUs: Invalid argument"
    message = break_off(READY, why, "rpc_server 10:00:00.001Z session=ended code=1")
    assert message == (
        "adb:R58: timing the model: the server on the device refused: cannot run on the chosen "
        "CPUs: Invalid argument; run again"
    )


def test_a_server_that_ended() -> None:
    message = break_off(BEFORE, READY, exit_code=1)
    assert message.startswith("adb:R58: timing the model: the server on the device ended (exit c")
    message = break_off(BEFORE, READY, exit_code=137)
    assert message == (
        "adb:R58: timing the model: the server on the device was killed (signal 9, SIGKILL); "
        "run again"
    )


def test_a_silent_server_adds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crash_diagnosis, "LOG_S", 0.1)
    assert break_off(BEFORE, READY) == "device k: timing the model: closed"


def test_other_errors_pass_unchanged() -> None:
    with (
        child_process([sys.executable, "-c", "input()"]) as server,
        pytest.raises(DeviceError, match=r"^refused$"),
        diagnosed("adb:R58", server),
    ):
        raise DeviceError("refused")
