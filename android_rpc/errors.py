"""Errors that end a command with one line and a fixed exit code."""

from __future__ import annotations


class InputError(ValueError):
    """Wrong use or bad input; the message says what, where and what to do."""

    exit_code = 2


class ToolMissing(RuntimeError):
    """A program or package that the step needs is not installed."""

    exit_code = 3


class DeviceError(RuntimeError):
    """A device is absent, or stopped answering."""

    exit_code = 3


class ConnectionLost(DeviceError):
    """A device closed the connection of a session; `what` was going on."""

    def __init__(self, message: str, what: str) -> None:
        super().__init__(message)
        self.what = what
