"""The errors that end a command with one line and a fixed exit code, of all four packages."""

from __future__ import annotations


class DepthbenchError(Exception):
    """What went wrong and where, in one line; `advice` says what to do about it."""

    exit_code = 1

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.message}; {self.advice}" if self.advice else self.message


class InputError(DepthbenchError, ValueError):
    """Wrong use or bad input."""

    exit_code = 2


class ToolMissing(DepthbenchError):
    """A program or package that the step needs is not installed."""

    exit_code = 3


class CheckFailed(DepthbenchError):
    """A result is wrong: it is invalid, or disagrees with the reference."""

    exit_code = 1


class DeviceError(DepthbenchError):
    """A device is absent, or does not do what was asked."""

    exit_code = 3


class RequestRefused(DeviceError):
    """A device has answered that it does not do what was asked; nothing was done."""


class StorageFull(RequestRefused):
    """A device has no room for what was sent to it."""


class ConnectionLost(DeviceError):
    """A device closed the connection of a session; `what` was going on."""

    def __init__(self, message: str, what: str, *, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.what = what


class RuntimeLost(DeviceError):
    """The process that a runtime runs in has crashed, or did not answer in time."""
