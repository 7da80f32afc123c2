"""Errors that end a command with one line and a fixed exit code."""

from __future__ import annotations


class InputError(ValueError):
    """Wrong use or bad input; the message says what, where and what to do."""

    exit_code = 2


class ToolMissing(RuntimeError):
    """A program or package that the step needs is not installed."""

    exit_code = 3


class CheckFailed(RuntimeError):
    """A result is invalid, or two runtimes do not agree."""

    exit_code = 1


class RuntimeLost(RuntimeError):
    """The process that a runtime runs in has crashed, or did not answer in time."""

    exit_code = 3
